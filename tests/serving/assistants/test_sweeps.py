from __future__ import annotations

from pathlib import Path

import pytest

from serving.assistants.sweeps import SweepPoint, keep_sweep, sweep_of

DIGEST = "a" * 64


def point(alpha: float, rate: float = 0.0) -> SweepPoint:
    return SweepPoint(alpha=alpha, filter_rate=rate, forget=0.25, retain=None)


def test_the_last_sweep_of_an_assistant_is_kept_by_strength(tmp_path: Path) -> None:
    assert sweep_of(tmp_path, DIGEST) == ()
    keep_sweep(tmp_path, DIGEST, [point(9)])
    keep_sweep(tmp_path, DIGEST, [point(1, 0.1), point(2), point(0.5)])
    assert sweep_of(tmp_path, DIGEST) == (point(0.5), point(2), point(1, 0.1))
    assert sweep_of(tmp_path, "b" * 64) == ()


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"alpha": "x"}]', "[{}]", "\x00"])
def test_a_damaged_file_is_as_if_there_was_no_sweep(tmp_path: Path, content: str) -> None:
    keep_sweep(tmp_path, DIGEST, [point(1)])
    (tmp_path / "sweeps" / f"{DIGEST}.json").write_text(content)
    assert sweep_of(tmp_path, DIGEST) == ()
