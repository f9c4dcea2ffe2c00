from __future__ import annotations

from serving.bench.registry.desk import Listed, markdown, run


def test_every_page_of_the_list_is_asked_for() -> None:
    steps: list[str] = []
    listed = run(60, 2, steps.append)
    assert [one.page for one in listed][:3] == ["first", "in the middle", "of one kind"]
    assert all(len(one.times) == 2 for one in listed)
    assert "0 targets stored" in steps


def test_the_table_shows_medians_and_the_longest() -> None:
    assert markdown([Listed("first", [3.0, 1.0, 2.0])]).splitlines()[-1] == "| first | 2 | 3 |"
