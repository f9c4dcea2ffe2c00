from __future__ import annotations

from serving.bench.automaton import Compiled, Measured, _invented, markdown


def test_invented_targets_differ_and_have_variants() -> None:
    targets = list(_invented(3, 0))
    assert len({target.draft.name for target in targets}) == 3
    assert all(len(target.variants) > len(target.forbidden) >= 4 for target in targets)


def test_sizes_are_told_for_100_000_phrases() -> None:
    compiled = Compiled("close", 50_000, 200_000, 10 * 2**20, 80 * 2**20, 2.5)
    lines = markdown(Measured([compiled], [1.0, 2.0, 3.0], [4.0, 5.0])).splitlines()
    assert lines[2] == "| close | 50,000 | 200,000 | 20.0 | 160.0 | 2.5 |"
    assert lines[-2:] == [
        "One target more, compiled and written: p50 2.0 ms, p99 3.0 ms.",
        "One settled target less: p50 5.0 ms, p99 5.0 ms.",
    ]
