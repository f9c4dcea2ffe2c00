from __future__ import annotations

from serving.bench.registry.policy_sets import Measured, _with_tag, markdown


def test_each_second_target_has_the_tag_of_one_of_the_sets() -> None:
    tags = [_with_tag({"name": "n"}, number, 2).get("tags") for number in range(6)]
    assert tags == [None, ["team-0"], None, ["team-1"], None, ["team-0"]]
    assert "tags" not in _with_tag({"name": "n"}, 1, 0)


def test_memory_is_compared_with_that_without_sets() -> None:
    rows = [Measured(0, 500 * 2**20, [0.02, 0.03], [0.02, 0.02]), Measured(10, 512 * 2**20, [0.04], [0.03])]
    table = markdown(rows).splitlines()
    assert table[2] == "| 0 | 500 | 0 | 25.0, 30.0 ms | 20.0, 20.0 ms |"
    assert table[3] == "| 10 | 512 | 12 | 40.0, 40.0 ms | 30.0, 30.0 ms |"
