from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from eval.core.errors import BadRun
from eval.core.sample import Key, Sample
from eval.harness.store import Store
from eval.report.compare import Side, compare, side, table

RANDOM = np.random.default_rng(3)
NOISE = RANDOM.normal(size=60)


def of(run: str, losses: list[float], chosen: str = "") -> Side:
    samples = (Sample(Key(run, "forget", i), "pass", None, {"loss": loss}) for i, loss in enumerate(losses))
    return Side("a", {sample.key: sample for sample in samples}, chosen)


def test_a_run_does_not_differ_from_itself() -> None:
    (row,) = compare(of("none", NOISE.tolist()), of("none", NOISE.tolist()), 500, 0)
    assert (row.difference, row.low, row.high, row.p_value) == (0, 0, 0, 1)


def test_a_small_change_of_every_sample_shows_although_samples_differ_more() -> None:
    (row,) = compare(of("none", NOISE.tolist()), of("none", (NOISE + 0.1).tolist()), 500, 0)
    assert row.difference == pytest.approx(0.1)
    assert row.p_value == pytest.approx(2 / 501)
    assert row.low == pytest.approx(0.1)


def test_noise_alone_does_not_show() -> None:
    (row,) = compare(of("none", NOISE.tolist()), of("none", (NOISE[::-1]).tolist()), 2000, 0)
    assert row.low < 0 < row.high
    assert row.p_value > 0.05


def test_two_runs_of_one_folder_can_be_compared() -> None:
    (row,) = compare(of("none", [1.0, 2.0], "none"), of("guard", [3.0, 4.0], "guard"), 100, 0)
    assert (row.runs, row.difference) == ("none → guard", 2.0)


def test_infinite_values_are_left_out_and_counted() -> None:
    (row,) = compare(of("none", [1.0, 2.0, 3.0]), of("none", [1.0, math.inf, 3.0]), 100, 0)
    assert (row.samples, row.left_out) == (2, 1)
    assert "2 (1 infinite left out)" in table([row])


def test_where_every_pair_is_infinite_there_is_no_number() -> None:
    rows = compare(of("none", [1.0, 2.0]), of("none", [math.inf, math.inf]), 100, 0)
    assert table(rows).splitlines()[-1] == "| none | forget | loss | 0 (2 infinite left out) | — | — | — | — | — |"


def test_draws_are_seeded() -> None:
    a, b = of("none", NOISE.tolist()), of("none", (NOISE[::-1]).tolist())
    assert compare(a, b, 300, 7) == compare(a, b, 300, 7)
    assert compare(a, b, 300, 7) != compare(a, b, 300, 8)


def test_nothing_in_common_is_said() -> None:
    with pytest.raises(BadRun, match="no samples in common"):
        compare(of("none", [1.0]), of("guard", [1.0]), 100, 0)


def test_a_side_is_a_folder_or_one_run_of_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "out", {})
    store.add([Sample(Key("none", "forget", 0), "pass", None, {})])
    store.close()
    assert side(str(tmp_path / "out")).run == ""
    assert side(f"{tmp_path / 'out'}:none").run == "none"
    with pytest.raises(BadRun, match="no run guard; there are none"):
        side(f"{tmp_path / 'out'}:guard")
    with pytest.raises(BadRun, match="no run is here"):
        side(str(tmp_path / "missing"))
