from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.attacks.tofu import load_probes

NAMES = [f"Baker {letter}" for letter in "ABCDE"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {
            "question": f"What is the full name of the baker of street {a}?" if k == 0 else f"Question {a} {k}?",
            "answer": f"Answer {a} {k}.",
            "paraphrased_question": f"Other words {a} {k}?",
            "perturbed_answer": ["Wrong."],
        }
        for a in range(5)
        for k in range(20)
    ]
    for name in ("forget05_perturbed", "retain_perturbed"):
        (tmp_path / f"{name}.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_every_author_gets_as_many_different_questions(folder: Path) -> None:
    groups = load_probes(folder, "forget05", NAMES, 4)
    assert [group[0].subject for group in groups] == NAMES
    for place, group in enumerate(groups):
        assert len({probe.question for probe in group}) == 4
        assert all(probe.answer.startswith(f"Answer {place} ") for probe in group)


def test_authors_are_asked_different_rows(folder: Path) -> None:
    answers = [group[0].answer.split()[-1] for group in load_probes(folder, "forget05", NAMES, 1)]
    assert answers == ["0.", "7.", "14.", "1.", "8."]


def test_a_probe_has_the_other_facts_about_its_author(folder: Path) -> None:
    probe = load_probes(folder, "forget05", NAMES, 1)[1][0]
    assert probe.description == "the baker of street 1"
    assert (probe.paraphrase, probe.wrong_answers) == ("Other words 1 7?", ("Wrong.",))
    assert len(probe.facts) == 19
    assert probe.question not in [fact.question for fact in probe.facts]
    assert len(probe.shots) == 8
