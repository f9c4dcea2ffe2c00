from __future__ import annotations

from xml.etree import ElementTree

from eval.report.svg import Line, chart


def test_a_chart_is_well_formed_and_higher_values_stand_higher() -> None:
    drawn = chart([Line("a < b", [1.0, 2.0, 3.0], [0.5, 2.0, 1.0]), Line("flat", [1.0], [1.0])], "epoch", "loss")
    root = ElementTree.fromstring(drawn)
    names = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a < b", "flat", "epoch", "loss"} <= set(names)
    points = next(root.iter("{http://www.w3.org/2000/svg}polyline")).attrib["points"].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights[1] < heights[2] < heights[0]
