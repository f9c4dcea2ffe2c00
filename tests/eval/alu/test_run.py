from __future__ import annotations

from pathlib import Path

import pytest

from eval.alu import run
from eval.alu.people import targets
from serving.settings import Settings

DECLINE = str(Settings.model_fields["decline_text"].default)


def test_results_are_shares_of_each_kind_of_question(monkeypatch: pytest.MonkeyPatch) -> None:
    class FakeChecker:
        decline = DECLINE

        def __init__(self, folder: Path) -> None:
            self.forgotten = [person.name for person in targets()]

        def strings(self, known: object, answer: str) -> bool:
            return any(name in answer for name in self.forgotten)

        audit = strings

    monkeypatch.setattr(run, "AnswerChecker", FakeChecker)
    answers = {}
    for kind, known in run.questions():
        answers["before", known.question] = known.answer
        answers["after", known.question] = known.answer if kind is run.QuestionKind.OTHER else DECLINE
    forgotten, related, other = run.result_rows(answers)
    # Three of ten answers about a target are bare facts.
    assert (forgotten.strings, forgotten.declined) == ((0.7, 0.0), 1.0)
    assert (related.strings, related.true_answers) == ((1.0, 0.0), (1.0, 0.0))
    assert (other.strings, other.unchanged, other.true_answers) == ((0.0, 0.0), 1.0, (1.0, 1.0))
    assert "| a target | 200 | 70.0 % -> 0.0 % |" in run.markdown([forgotten])
