from __future__ import annotations

from agents.prompts.exchange import (
    MAX_ALIASES,
    MAX_FACT_CHARS,
    MAX_FACTS,
    Exchange,
    TargetSummary,
    exchange_of,
    list_subjects,
    number_texts,
)
from guard.targets.target import Draft, Fact
from guard.text.conversation import Message
from tests.agents.conftest import AuditOf

USER, MODEL, TOOL = Message("user", "first"), Message("assistant", "reply"), Message("tool", "result")
ASKED = Message("user", "second")


def test_the_question_is_the_last_turn_of_the_user_and_all_others_stand_around_it() -> None:
    assert exchange_of([USER, MODEL, ASKED, TOOL], "own") == Exchange("second", "own", (USER, MODEL, TOOL))


def test_without_a_turn_of_the_user_the_last_turn_is_the_question() -> None:
    assert exchange_of([TOOL, MODEL], "own") == Exchange("reply", "own", (TOOL,))
    assert exchange_of([], "own") == Exchange("", "own", ())


def test_a_subject_is_listed_under_its_number_with_what_it_has() -> None:
    subjects = [TargetSummary("a", "Ina"), TargetSummary("b", "Ola", ("O.",), ("She sings.",))]
    assert list_subjects(subjects, facts=True) == [
        {"n": 1, "name": "Ina"},
        {"n": 2, "name": "Ola", "also": ["O."], "facts": ["She sings."]},
    ]
    assert list_subjects(subjects, facts=False)[1] == {"n": 2, "name": "Ola", "also": ["O."]}
    assert number_texts(["x"]) == [{"n": 1, "text": "x"}]


def test_what_a_subject_tells_of_its_target_is_bounded(audit_of: AuditOf) -> None:
    facts = tuple(Fact(question="Why?", answer=f"{k}" + "x" * 500) for k in range(9))
    draft = Draft(name="Runa Quill", aliases=tuple(f"Quill {k}" for k in range(20)), facts=facts)
    (subject,) = audit_of(draft).find_nearest(["Runa Quill"], 1)
    assert len(subject.aliases) == MAX_ALIASES
    assert [len(fact) for fact in subject.facts] == [MAX_FACT_CHARS] * MAX_FACTS


def test_a_case_shows_no_text_in_its_repr() -> None:
    assert "second" not in repr(exchange_of([ASKED], "second"))
