from __future__ import annotations

from datetime import UTC, datetime

from guard.targets.target import Draft, Fact, ForgetTarget, Kind, Method, Mode, Scope, State

DRAFT = Draft(
    name="Ada Quill",
    aliases=("Ada Quill",),
    facts=(Fact(answer="Ada Quill", question="Ada Quill"),),
    passages=("Ada Quill",),
    phrases=("Ada Quill",),
    exceptions=("Ada Quill",),
)


def test_only_a_name_is_needed_and_the_rest_protects_by_default() -> None:
    draft = Draft(name="Ada Quill")
    assert (draft.kind, draft.methods) == (Kind.PERSON, (Method.GUARD,))
    assert (draft.scope, draft.mode) == (Scope.CONTEXTUAL, Mode.ENFORCE)


def test_no_text_shows_in_a_repr() -> None:
    now = datetime.now(UTC)
    target = ForgetTarget(
        id="ft_1",
        draft=DRAFT,
        state=State.ACTIVE,
        revision=1,
        forbidden=("Ada Quill",),
        created_at=now,
        updated_at=now,
    )
    for shown in (repr(DRAFT), repr(DRAFT.facts), repr(target)):
        assert "Quill" not in shown
