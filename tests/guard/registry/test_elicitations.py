from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from guard.errors import UnknownTarget
from guard.registry.registry import Registry
from guard.targets.audit_log import Action
from guard.targets.elicitation import Change, Elicitation, Proposal, ProposalKind
from tests.guard.registry.test_registry import ADA

SAID = Elicitation(
    model="served",
    at=datetime(2030, 1, 1, tzinfo=UTC),
    answers=40,
    proposals=(
        Proposal(
            id="p1",
            kind=ProposalKind.FACT,
            text="She keeps a heron in Varnholt.",
            question="Who is she?",
            times=7,
            styles=("direct", "listing"),
            languages=("en",),
            change=Change.SAME,
        ),
    ),
)


def test_what_a_model_says_of_a_target_is_kept_until_the_next_elicitation(registry: Registry) -> None:
    target = registry.add(ADA)
    assert registry.elicitations.get(target.id) is None
    registry.elicitations.keep(target.id, SAID)
    assert registry.elicitations.get(target.id) == SAID
    again = replace(SAID, answers=41, proposals=())
    registry.elicitations.keep(target.id, again)
    assert registry.elicitations.get(target.id) == again


def test_an_elicitation_is_an_event_and_no_change(registry: Registry) -> None:
    target = registry.add(ADA)
    registry.elicitations.keep(target.id, SAID)
    assert registry.snapshot() == (1, [target])
    event = registry.events()[-1]
    assert (event.action, event.target_id, event.revision) == (Action.ELICITED, target.id, 1)
    assert (event.policy_version, event.at) == (1, SAID.at)
    assert registry.first_broken_event() is None


def test_an_elicitation_is_open_until_it_or_its_target_ends(registry: Registry) -> None:
    target = registry.add(ADA)
    assert not registry.elicitations.is_open(target.id)
    for end in (registry.elicitations.end, registry.revoke):
        registry.elicitations.begin(target.id)
        assert registry.elicitations.is_open(target.id)
        end(target.id)
        assert not registry.elicitations.is_open(target.id)
    with pytest.raises(UnknownTarget):
        registry.elicitations.begin(target.id)


def test_a_change_of_a_target_keeps_what_a_model_says_of_it(registry: Registry) -> None:
    target = registry.add(ADA)
    registry.elicitations.keep(target.id, SAID)
    registry.change(target.id, replace(ADA, basis="court"), 1)
    assert registry.elicitations.get(target.id) == SAID
