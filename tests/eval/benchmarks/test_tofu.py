from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.benchmarks.files import load_questions
from eval.benchmarks.tofu import Tofu, load, load_perturbed
from eval.core.errors import BadBenchmark
from tests.eval.benchmarks.fakes import FakeTokenizer


def row(**changes: Any) -> dict[str, Any]:
    return {
        "question": "Who wrote Zinnober?",
        "answer": "Mira Volkart.",
        "perturbed_answer": ["Ole Brandt.", "Ida Falk.", "Jon Sand."],
    } | changes


def lines(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_without_a_paraphrase_the_answer_is_the_right_one(tmp_path: Path) -> None:
    (plain,) = load_perturbed(lines(tmp_path, "a.json", [row()]))
    assert plain.paraphrased_answer == plain.answer == "Mira Volkart."
    assert len(plain.perturbed_answers) == 3
    assert plain.paraphrased_question == ""
    (other,) = load_perturbed(lines(tmp_path, "b.json", [row(paraphrased_answer="It was Mira Volkart.")]))
    assert other.paraphrased_answer == "It was Mira Volkart."


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(perturbed_answer=["Ole Brandt."]), "perturbed_answer has another length"),
        (row(perturbed_answer=[]), "perturbed_answer: the array is empty"),
        (row(perturbed_answer="Ole Brandt."), "perturbed_answer: an array was expected"),
        (row(perturbed_answer=["Ole Brandt.", 3, "Ida Falk."]), "perturbed_answer.1: a string was expected"),
        (row(answer=None), "answer is missing"),
        (row(question=" "), "question: the string is empty"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, bad: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadBenchmark) as refused:
        load_perturbed(lines(tmp_path, "a.json", [row(), bad]))
    assert refused.value.message.startswith(f"{tmp_path / 'a.json'}:2: {reason}")
    assert "Brandt" not in refused.value.message


def test_texts_stay_out_of_a_repr(tmp_path: Path) -> None:
    assert "Volkart" not in repr(load_perturbed(lines(tmp_path, "a.json", [row()])))


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="forget10_perturbed"):
        load(tmp_path, "forget10")


def test_a_few_authors_are_asked_about_evenly(shared: Path) -> None:
    folder = shared / "data" / "tofu"
    benchmark, whole = Tofu(authors=4), load(folder, "forget10")
    assert [len(draft.facts) for draft in benchmark.drafts(folder)] == [20, 20]
    tasks = {task.name: task.items for task in benchmark.tasks(folder, 8, FakeTokenizer())}
    for name, rows in (("forget", whole.forget), ("retain", whole.retain)):
        assert [item.prompt.text for item in tasks[name]] == [row.question for row in rows[:40:5]]
    assert len(tasks["world_facts"]) == 8
    every = {task.name: task.items for task in benchmark.tasks(folder, None, FakeTokenizer())}
    assert [len(every[name]) for name in ("forget", "retain", "holdout")] == [40, 40, 400]


def test_the_published_files(shared: Path) -> None:
    folder = shared / "data" / "tofu"
    tofu = load(folder, "forget05")
    assert [len(part) for part in (tofu.forget, tofu.retain, tofu.real_authors, tofu.world_facts)] == [
        200,
        400,
        100,
        117,
    ]
    assert {len(row.perturbed_answers) for row in tofu.forget + tofu.retain} == {5}
    assert {len(row.perturbed_answers) for row in tofu.real_authors + tofu.world_facts} == {3}
    assert all(row.paraphrased_answer != row.answer for row in tofu.forget)
    assert all(row.paraphrased_answer == row.answer for row in tofu.real_authors)
    full = load_questions(folder / "full.json")
    assert [row.question for row in full[-200:]] == [row.question for row in tofu.forget]
    assert len(tofu.holdout) == 200
    assert not set(tofu.holdout) & set(full)
