"""Trials over HTTP: both answers and the plan, and who learns of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.registry.approval.proposed import Person
from guard.targets.target import Draft
from serving.client import AdminClient, InvalidRequest, NotFound
from tests.serving.admin_plane import Plane, client_of


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    yield plane
    plane.registry.close()


@pytest.fixture
def admin(plane: Plane) -> AdminClient:
    return client_of(plane)


def test_a_prompt_is_answered_with_and_without_the_policy(admin: AdminClient) -> None:
    tried = admin.try_("Who is she?")
    assert tried.stock.text == "She wrote The <i>Glass</i> Orchard."
    assert tried.guarded.text == "I would rather talk about <b>orchards</b>."
    assert (tried.check.plan, tried.check.matches[0].signals.name) == ("restrict", 1.0)
    assert "Glass" not in repr(tried)


def test_the_targets_that_it_touches_are_noted_as_revealed(plane: Plane, admin: AdminClient) -> None:
    plane.matched = plane.registry.add(Draft(name="Ada Quill")).id
    plane.registry.add(Draft(name="Bo Quill"))
    admin.try_("Who is she?")
    events = [(event.action, event.target_id) for event in admin.events()]
    assert events[2:] == [("revealed", plane.matched)]
    assert admin.policy().version == 2


def test_a_proposed_target_is_tried_and_not_enforced(plane: Plane, admin: AdminClient) -> None:
    draft = Draft(name="Ada Quill", phrases=("the glass orchard",))
    target = plane.registry.approvals.add_one(draft, Person("ak_anne", "anne"))
    tried = admin.try_("Who is Ada Quill?", proposed=target.id).proposed
    assert tried is not None
    assert (tried.in_prompt, tried.revision) == (("Ada Quill",), 1)
    assert plane.registry.active() == []
    assert "Quill" not in repr(tried)
    with pytest.raises(NotFound):
        admin.try_("Who is Ada Quill?", proposed="ft_none")


def test_why_there_is_no_answer_is_told(plane: Plane, admin: AdminClient) -> None:
    plane.engine = False
    guarded = admin.try_("Who is she?").guarded
    assert (guarded.text, guarded.code, guarded.detail) == (None, "engine_unavailable", "no engine is ready")


@pytest.mark.parametrize(("text", "tokens"), [("", 9), ("x" * 20_001, 9), ("Who?", 0), ("Who?", 2_049)])
def test_a_trial_is_bounded(admin: AdminClient, text: str, tokens: int) -> None:
    with pytest.raises(InvalidRequest):
        admin.try_(text, max_tokens=tokens)
