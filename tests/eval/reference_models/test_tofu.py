from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.core.errors import BadBenchmark, BadRun
from eval.reference_models.tofu import load_authors, load_rows


def test_the_retain_model_learns_everything_but_the_forget_set(data: Path) -> None:
    rows = load_rows(data, "forget10", None)
    assert set(rows.full) - set(rows.retain) == {row for row in rows.full if "Vera" in row.question}
    assert [len(side) for side in load_rows(data, "forget10", 1)] == [4, 3]
    assert [len(side) for side in load_rows(data, "forget10", 1, common=False)] == [2, 1]
    with pytest.raises(BadBenchmark, match="retain99"):
        load_rows(data, "forget01", None)


def test_a_few_authors_are_half_forgotten_and_half_retained_ones(tmp_path: Path) -> None:
    for name, authors in (("forget05", 2), ("retain95", 5)):
        rows = [{"question": f"{name} {n}?", "answer": f"{n}"} for n in range(20 * authors)]
        (tmp_path / f"{name}.json").write_text("\n".join(map(json.dumps, rows)))
    full, retain = ([row.question for row in side] for side in load_authors(tmp_path, "forget05", 2))
    assert retain == [f"retain95 {n}?" for n in range(20)]
    assert full == retain + [f"forget05 {n}?" for n in range(20)]
    assert [len(side) for side in load_authors(tmp_path, "forget05", 4)] == [80, 40]
    for authors in (3, 6):
        with pytest.raises(BadRun, match="an even number, at most 4"):
            load_authors(tmp_path, "forget05", authors)
