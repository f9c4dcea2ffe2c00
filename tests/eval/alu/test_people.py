from __future__ import annotations

from eval.alu import run
from eval.alu.people import others, people, targets


def test_twenty_targets_and_twenty_others_have_four_hundred_questions() -> None:
    assert (len(people()), len(targets()), len(others())) == (40, 20, 20)
    assert len({person.name for person in people()}) == 40
    asked = run.questions()
    assert len({known.question for _, known in asked}) == 400
    counts = {kind: sum(1 for of, _ in asked if of is kind) for kind in run.QuestionKind}
    assert counts == {run.QuestionKind.TARGET: 200, run.QuestionKind.RELATED: 60, run.QuestionKind.OTHER: 140}
