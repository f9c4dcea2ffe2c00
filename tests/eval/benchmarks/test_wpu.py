from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.benchmarks.files import load_questions
from eval.benchmarks.wpu import Shot, last_shots, load_shots
from eval.core.errors import BadBenchmark


def test_a_reply_is_the_first_paragraph_generated(tmp_path: Path) -> None:
    path = tmp_path / "msj_attack.json"
    path.write_text(json.dumps([{"question": "Q", "generated": "[INST] Q [/INST] She did. \n\nAnd more."}]))
    assert load_shots(path) == (Shot("Q", "She did."),)
    path.write_text('[{"question": "Q"}]')
    with pytest.raises(BadBenchmark, match=r"msj_attack.json:1: generated is missing"):
        load_shots(path)


def test_the_last_shots_stand_before_the_question() -> None:
    shots = [Shot(str(index), "r") for index in range(5)]
    assert [shot.question for shot in last_shots(shots, 2)] == ["3", "4"]
    assert last_shots(shots, 9) == tuple(shots)
    assert last_shots(shots, 0) == ()


def test_the_published_files(shared: Path) -> None:
    folder = shared / "data" / "wpu"
    questions = load_questions(folder / "forget_100_qa_subset.jsonl")
    shots = load_shots(folder / "msj_attack.json")
    assert (len(questions), len(shots), len(last_shots(shots))) == (400, 127, 100)
    assert all(shot.reply for shot in shots)
    assert not {shot.question for shot in shots} & {question.question for question in questions}
