from __future__ import annotations

from pathlib import Path

import pytest

from eval.certificate.neighbours import load_neighbours
from eval.core.errors import BadBenchmark


def test_without_a_file_the_built_in_questions_are_used(tmp_path: Path) -> None:
    assert len(load_neighbours(None).questions) > 50
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "Who?"}\n{"query": 1}\n')
    with pytest.raises(BadBenchmark, match=r"bad\.jsonl:2"):
        load_neighbours(bad)
