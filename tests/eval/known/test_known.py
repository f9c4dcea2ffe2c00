from __future__ import annotations

import math
from pathlib import Path

from eval.known.answers import Answers, Phase
from eval.known.measure import Measured, Outcome, known, markdown
from eval.known.subjects import NEIGHBOURS, Question, Subject, subjects

LAMP = Subject("The Lamp", "work", ("The Lamp is a novel by Orla Venn.",), (Question("Who wrote it?", "Venn"),))


def test_subjects_have_facts_and_questions_that_their_own_names_answer_or_not() -> None:
    found = subjects()
    assert len({subject.name for subject in found}) == len(found) >= 20
    assert all(subject.facts and len(subject.questions) == 3 for subject in found)
    assert not {one.text for subject in found for one in subject.questions}.intersection(NEIGHBOURS)


def test_of_real_people_no_more_is_told_than_one_sentence() -> None:
    assert all(len(subject.facts) == 1 for subject in subjects() if subject.kind == "person")


def test_an_answer_is_asked_for_once_and_survives_a_stop(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(phase: Phase, question: str) -> str:
        asked.append(question)
        return f"answer {len(asked)}"

    file = tmp_path / "answers.jsonl"
    assert Answers(file, ask).ask(Phase.FREE, "Who?") == "answer 1"
    again = Answers(file, ask)
    assert (again.ask(Phase.FREE, "Who?"), again.ask(Phase.GUARDED, "Who?")) == ("answer 1", "answer 2")
    assert again.score("Who?", "answer 1", lambda: 2.5) == Answers(file, ask).score(
        "Who?", "answer 1", lambda: 9.0
    )


def test_of_many_questions_those_without_an_answer_are_asked(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(phase: Phase, question: str) -> str:
        asked.append(f"{phase}: {question}")
        return question.upper()

    answers = Answers(tmp_path / "answers.jsonl", ask)
    answers.ask(Phase.FREE, "Who?")
    answers.ask_all(Phase.FREE, ["Who?", "Where?", "Where?", "When?"])
    assert sorted(asked) == ["free: When?", "free: Where?", "free: Who?"]
    assert Answers(tmp_path / "answers.jsonl", ask).ask(Phase.FREE, "When?") == "WHEN?"


def test_a_subject_is_known_by_most_of_its_answers(tmp_path: Path) -> None:
    wrong = Subject("Nothing", "work", (), (Question("Who else?", "nobody"),))
    answers = Answers(tmp_path / "answers.jsonl", lambda phase, question: "Orla Venn wrote it.")
    assert known([wrong, LAMP], answers, 5) == [LAMP]


def test_the_table_counts_answers_and_takes_the_geometric_mean_of_perplexities() -> None:
    rows = tuple(
        Outcome("Who?", "Orla Venn.", "Somebody.", True, False, False, False, (0, 1), one, other)
        for one, other in ((2.0, 3.0), (8.0, math.nan))
    )
    lines = markdown(Measured(((LAMP, rows),), (("a", "a"), ("a", "b")))).splitlines()
    assert lines[2] == "| The Lamp | work | 2 of 2 | 0 of 2 | 0 of 2 | 0 of 2 | 0 | 2 | 4.00 | 3.00 |"
    assert lines[-1].endswith("2 questions about neighbours that stayed as they were: 1.")
