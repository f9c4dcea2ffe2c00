from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from guard.policy.policy import Policy
from guard.targets.target import Draft, Mode, Scope

PolicyOf = Callable[..., Policy]


def test_a_policy_cannot_be_changed(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="Orla Venn"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.version = 7  # type: ignore[misc]


def test_no_text_of_a_target_shows_in_its_repr(policy_of: PolicyOf) -> None:
    assert "Venn" not in repr(policy_of(Draft(name="Orla Venn", phrases=("Tarn Hollow",))))


def test_only_contextual_targets_need_the_detector(policy_of: PolicyOf) -> None:
    assert not policy_of(Draft(name="gate code", phrases=("zx-4471-q",), scope=Scope.ALWAYS)).lookup.has_contextual
    assert policy_of(Draft(name="Orla Venn")).lookup.has_contextual


def test_counts_name_every_mode(policy_of: PolicyOf) -> None:
    policy = policy_of(Draft(name="Orla Venn"), Draft(name="Pell Dross"), Draft(name="Ida Moll", mode=Mode.SHADOW))
    assert policy.counts == {Mode.SHADOW: 1, Mode.ENFORCE: 2}
    assert policy_of().counts[Mode.ENFORCE] == 2
