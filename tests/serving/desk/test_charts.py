from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serving.assistants.sweeps import SweepPoint
from serving.desk.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, sweep_charts

SHARES = st.floats(0, 1)


def point(alpha: float, forget: float, retain: float | None = None, rate: float = 0.0) -> SweepPoint:
    return SweepPoint(alpha=alpha, filter_rate=rate, forget=forget, retain=retain)


def test_a_chart_has_a_line_of_what_is_forgotten_and_one_of_the_rest() -> None:
    (chart,) = sweep_charts([point(0.5, 1.0, 1.0), point(1.0, 0.0, 0.5)])
    forget, retain = chart.lines
    assert (forget.name, forget.path) == ("forget", f"{LEFT}.0,{TOP}.0 {WIDTH - RIGHT}.0,{HEIGHT - BOTTOM}.0")
    assert (retain.name, len(retain.dots)) == ("retain", 2)
    assert [alpha for _, alpha in chart.alphas] == [0.5, 1.0]


def test_a_rest_that_was_not_measured_is_not_drawn() -> None:
    (chart,) = sweep_charts([point(0.5, 1.0)])
    assert [line.name for line in chart.lines] == ["forget"]
    assert len(chart.alphas) == 1


def test_each_rate_of_the_filter_has_a_chart() -> None:
    assert [chart.filter_rate for chart in sweep_charts([point(1, 0), point(1, 0, rate=0.1)])] == [0.0, 0.1]
    assert sweep_charts([]) == []


@given(st.lists(st.tuples(st.floats(0, 10), SHARES, SHARES), min_size=1, max_size=9))
def test_no_point_is_drawn_outside_of_the_axes(values: list[tuple[float, float, float]]) -> None:
    (chart,) = sweep_charts([point(*value) for value in sorted(values)])
    dots = [dot for line in chart.lines for dot in line.dots]
    assert all(LEFT <= dot.x <= WIDTH - RIGHT and TOP <= dot.y <= HEIGHT - BOTTOM for dot in dots)
