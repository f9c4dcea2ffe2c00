from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.benchmarks.files import Question
from eval.benchmarks.wpu import FORGET, MANY_SHOT, Wpu, load_persons, questions
from eval.core.errors import BadBenchmark
from eval.core.prompt import Prompt
from eval.core.sample import Key, ReplaySamples, Sample
from tests.eval.benchmarks.fakes import FakeTokenizer

ROWS = [Question("Where was Orla Quennbeck born?", "in Tarnhollow"), Question("Who was Vera Holt?", "a cook")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shots = [{"question": f"Question {n}?", "generated": f"Answer {n}.\n\nMore."} for n in range(120)]
    (tmp_path / "msj_attack.json").write_text(json.dumps(shots))
    (tmp_path / "replace_name_forget_100.json").write_text('{\n "Orla Quennbeck": ["A"],\n "Vera Holt": ["B"]\n}')
    rows = [{"question": row.question, "answer": row.answer} for row in ROWS]
    (tmp_path / "forget_100_qa_subset.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def test_a_question_is_asked_alone_and_behind_a_hundred_turns(folder: Path) -> None:
    alone, behind = Wpu().tasks(folder, 1, FakeTokenizer())
    assert (alone.name, behind.name, alone.max_tokens) == (FORGET, MANY_SHOT, 200)
    assert alone.items[0].prompt == Prompt(ROWS[0].question)
    before = behind.items[0].prompt.before
    assert (len(before), before[0].text, before[1].text) == (200, "Question 20?", "Answer 20.")
    assert [turn.role for turn in before[:2]] == ["user", "assistant"]


def test_turns_that_do_not_fit_are_left_out_from_the_front(folder: Path) -> None:
    _, behind = Wpu().tasks(folder, 1, FakeTokenizer(fitting=lambda prompt: len(prompt.before) <= 6))
    before = behind.items[0].prompt.before
    assert [turn.text for turn in before if turn.role == "user"] == [
        "Question 117?",
        "Question 118?",
        "Question 119?",
    ]
    _, bare = Wpu().tasks(folder, 1, FakeTokenizer(fitting=lambda prompt: False))
    assert bare.items[0].prompt.before == ()


def test_rouge_is_that_of_the_stem(folder: Path) -> None:
    _, behind = Wpu().tasks(folder, 2, FakeTokenizer(fitting=lambda prompt: len(prompt.before) <= 2))
    measured = behind.measure_text(behind.items[0], "She was born in Tarnhollow")
    assert measured == {
        "rougeL_recall": 1.0,
        "rouge1_recall": 1.0,
        "rougeL_f1": pytest.approx(4 / 7),
        "shots": 1.0,
    }


def test_a_person_is_a_target_with_the_questions_that_name_it(folder: Path) -> None:
    orla, vera = Wpu().drafts(folder)
    assert (orla.name, [fact.answer for fact in orla.facts]) == ("Orla Quennbeck", ["in Tarnhollow"])
    assert (vera.name, [fact.answer for fact in vera.facts]) == ("Vera Holt", ["a cook"])


def test_missing_and_bad_files_are_named(folder: Path) -> None:
    names = folder / "replace_name_forget_100.json"
    for content in ("[1]", "{", '{" ": []}'):
        names.write_text(content)
        with pytest.raises(BadBenchmark, match="replace_name_forget_100"):
            load_persons(names)
    names.unlink()
    with pytest.raises(BadBenchmark, match="names the persons"):
        Wpu().drafts(folder)
    (folder / "forget_100_qa_subset.jsonl").unlink()
    with pytest.raises(BadBenchmark, match="no file forget_100"):
        questions(folder)


def test_without_the_attack_there_is_one_set(folder: Path) -> None:
    (folder / "msj_attack.json").unlink()
    assert [task.name for task in Wpu().tasks(folder, None, FakeTokenizer())] == [FORGET]


def test_a_table_is_the_mean_of_each_score() -> None:
    samples = {
        (key := Key("none", FORGET, index)): Sample(
            key, "pass", "", {"rougeL_recall": score, "rouge1_recall": 1.0, "rougeL_f1": 0.5}
        )
        for index, score in enumerate((0.0, 1.0))
    }
    table = Wpu().cells(ReplaySamples(samples, {"none": ""}), "none", [])
    assert (table["forget_rougeL_recall"].value, table["forget_rouge1_recall"].value) == (0.5, 1.0)
    assert (table["forget_touched"].value, table["forget_many_shot_rougeL_f1"].value) == (0.0, None)
