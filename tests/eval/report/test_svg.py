from __future__ import annotations

from xml.etree import ElementTree

from eval.core.figure import Point
from eval.report.svg import HEIGHT, Line, chart, curves, ecdf, scatter, stack


def texts(figure: str) -> list[str | None]:
    return [text.text for text in ElementTree.fromstring(figure).iterfind(".//{*}text")]


def polyline(figure: str) -> list[tuple[float, float]]:
    line = ElementTree.fromstring(figure).find(".//{*}polyline")
    assert line is not None
    points = (pair.split(",") for pair in line.attrib["points"].split())
    return [(float(x), float(y)) for x, y in points]


def test_figures_are_well_formed_whatever_their_labels() -> None:
    for figure in (
        ecdf({"a<b": [0.1, 0.9], "none": []}, "x & y"),
        scatter([Point("a<b", 0.5, 0.5, True)], "x & y", "<y>"),
        curves({"a<b": [(1, 0.0), (100, 1.0)]}, "x & y", "<y>"),
        chart([Line("a<b", [1.0], [1.0])], "x & y", "<y>"),
    ):
        assert {"a<b", "x & y"} <= set(texts(figure))


def test_a_distribution_function_rises_at_its_values_and_ends_at_one() -> None:
    # Half way right, all the way up.
    assert polyline(ecdf({"a": [0.5]}, "x")) == [(58, 260), (214, 260), (214, 14), (370, 14)]


def test_a_distribution_of_nothing_stays_at_zero() -> None:
    assert polyline(ecdf({"a": []}, "x")) == [(58, 260), (370, 260)]


def test_a_published_point_is_hollow() -> None:
    root = ElementTree.fromstring(scatter([Point("ours", 0.5, 0.5), Point("theirs", 1, 1, True)], "x", "y"))
    # Each point, and its mark in the legend.
    fills = [circle.attrib["fill"] for circle in root.iterfind(".//{*}circle")]
    assert [fill == "none" for fill in fills] == [False, False, True, True]


def test_a_curve_takes_the_same_room_for_each_decade() -> None:
    figure = curves({"a": [(1, 0.0), (10, 0.5), (100, 1.0)]}, "x", "y")
    (first, _), (second, _), (third, _) = polyline(figure)
    assert (second - first, {"1", "10", "100"} <= set(texts(figure))) == (third - second, True)


def test_higher_values_of_a_line_stand_higher_over_a_floor_of_zero() -> None:
    figure = chart([Line("a", [1.0, 2.0, 3.0], [0.5, 2.0, 1.0]), Line("flat", [1.0], [1.0])], "epoch", "loss")
    heights = [y for _, y in polyline(figure)]
    assert heights[1] < heights[2] < heights[0] < 260
    assert {"a", "flat", "epoch", "loss", "0", "1", "2", "3"} <= set(texts(figure))


def test_figures_are_stacked_one_below_the_other() -> None:
    root = ElementTree.fromstring(stack([chart([Line("a", [1.0], [1.0])], "x", "y")] * 3))
    assert root.attrib["height"] == f"{3 * HEIGHT}"
    assert len(root.findall("./{*}g/{*}svg")) == 3
