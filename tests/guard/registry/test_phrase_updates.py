"""Targets stored under earlier rules: their phrases are made again at start, and nothing else of them changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from guard.policy.compiler import Compiler
from guard.registry import phrase_updates
from guard.registry.registry import Registry
from guard.targets import rules
from guard.targets.rules import rules_version
from guard.targets.target import Draft, Fact, Scope

DRAFT = Draft(name="Brisa Okonkwo-Lund", facts=(Fact(answer="She was born on 3 May 1961."),), scope=Scope.ALWAYS)


@pytest.fixture
def as_stored_before(alter: Callable[..., None]) -> Callable[[], None]:
    """Alters the rows of the registry as an earlier version would have written them."""
    return partial(alter, "UPDATE targets SET forbidden = '[\"Brisa\"]', variants = '[]', rules = 'earlier'")


def test_phrases_and_variants_are_those_of_the_rules_in_force_once_a_policy_is_compiled(
    registry: Registry, compiler: Compiler, as_stored_before: Callable[[], None]
) -> None:
    stored = registry.add(DRAFT)
    events, version = registry.events(), registry.version()
    as_stored_before()
    assert registry.get(stored.id).forbidden == ("Brisa",)
    policy = compiler.compile()
    # Revision, times, audit log and version are those of the last change that a client made.
    assert registry.get(stored.id) == policy.targets[stored.id] == stored
    assert (registry.events(), registry.version()) == (events, version)
    (digest,) = policy.always.digests
    assert policy.automata[digest].matches("on May 3, 1961")


def test_only_active_targets_of_other_rules_are_made_again_a_batch_at_a_time(
    registry: Registry, as_stored_before: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrase_updates, "BATCH_TARGETS", 2)
    ended, *_ = registry.add_many([Draft(name=f"Orla Quarn {number}") for number in range(5)])
    registry.revoke(ended.id)
    assert registry.update_phrases() == 0
    as_stored_before()
    registry.add(DRAFT)
    assert registry.update_phrases() == 4
    assert registry.update_phrases() == 0
    assert all("Brisa" not in target.forbidden for target in registry.active())


def test_a_target_that_the_rules_cannot_read_keeps_its_phrases(
    registry: Registry, as_stored_before: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, other = registry.add_many([DRAFT, Draft(name="Orla Quarn")])
    as_stored_before()
    made = phrase_updates.phrases

    def failing(draft: Draft) -> object:
        if draft.name == stored.draft.name:
            raise ValueError(draft.name)
        return made(draft)

    monkeypatch.setattr(phrase_updates, "phrases", failing)
    assert registry.update_phrases() == 2
    assert registry.get(stored.id).forbidden == ("Brisa",)
    assert registry.get(other.id) == other


def test_the_version_of_the_rules_changes_with_a_word_list_and_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(name: str, value: object) -> bool:
        with monkeypatch.context() as patched:
            patched.setattr(rules, name, value)
            return rules.rules_version.__wrapped__() != rules_version()

    assert not changed("_LIBRARIES", rules._LIBRARIES)
    assert changed("_LIBRARIES", rules._LIBRARIES[1:])
    assert changed("_SOURCES", rules._SOURCES[1:])
    assert changed("_installed", lambda library: "0")
