"""The measure of what a real model says of works and places whose bare names are forgotten."""

from __future__ import annotations

from pathlib import Path

from eval.elicitation.known import markdown, told, told_phrases
from eval.known.answers import Answers, Phase
from eval.known.subjects import Question, Subject

ASKED = Question("Who wrote The Salt Road?", "Quorne")
ROAD = Subject("The Salt Road", "work", (), (ASKED,))
SAID = {
    Phase.FREE: "The Salt Road was written by Ilse Quorne of Varnholt.",
    Phase.BARE: "It was written by Ilse Quorne.",
    Phase.ELICITED: "It was written by a writer.",
}


def stored(folder: Path) -> Answers:
    answers = Answers(folder / "answers.jsonl", lambda phase, question: SAID[phase])
    for phase in SAID:
        assert not answers.has(phase, ASKED.text)
        answers.ask(phase, ASKED.text)
        assert answers.has(phase, ASKED.text)
    return answers


def test_what_counts_is_what_the_answer_without_a_target_said_and_neither_question_nor_name_does() -> None:
    said = [phrase.text for phrase in told_phrases(ROAD.name, ASKED.text, SAID[Phase.FREE])]
    assert "Ilse Quorne" in said
    assert "The Salt Road" not in said


def test_an_answer_is_right_or_not_and_says_again_so_many_phrases(tmp_path: Path) -> None:
    one = told(ROAD, ASKED, stored(tmp_path))
    assert one.right == (True, True, False)
    assert one.leaks[0] >= one.leaks[1] > one.leaks[2] == 0


def test_the_table_has_a_line_for_each_subject_and_for_all(tmp_path: Path) -> None:
    one = told(ROAD, ASKED, stored(tmp_path))
    table = markdown([(ROAD, [one])])
    assert "| The Salt Road | work | 1 of 1 | 1 of 1 | 0 of 1 |" in table
    assert "| all |  | 1 of 1 |" in table
