from __future__ import annotations

from pathlib import Path

import pytest

from eval.core.errors import BadBenchmark
from eval.reference_models.tofu import load_rows


def test_the_retain_model_learns_everything_but_the_forget_set(data: Path) -> None:
    rows = load_rows(data, "forget10", None)
    assert set(rows.full) - set(rows.retain) == {row for row in rows.full if "Vera" in row.question}
    assert [len(side) for side in load_rows(data, "forget10", 1)] == [4, 3]
    with pytest.raises(BadBenchmark, match="retain99"):
        load_rows(data, "forget01", None)
