from __future__ import annotations

from dataclasses import replace

import pytest

from guard.policy import near
from guard.policy.near import AlwaysNear
from guard.registry.drafts import new_target
from guard.targets.target import Draft, ForgetTarget, Kind, Scope
from guard.text.normalise import fold

LANTERNS, ORCHARD = "Lanterns of Mercy: A Diary", "The Glass Orchard of Venn"
WORDS = {LANTERNS: ("lanterns", "mercy", "diary"), ORCHARD: ("glass", "orchard", "venn")}


def target(title: str) -> ForgetTarget:
    return new_target(Draft(name="harbour tales", kind=Kind.TOPIC, phrases=(title,), scope=Scope.ALWAYS))


def test_the_long_phrases_follow_the_targets() -> None:
    first, second = target(LANTERNS), target(ORCHARD)
    empty = AlwaysNear()
    assert not empty.texts
    both = empty.with_changes([first], (), frozenset()).with_changes([second], (), frozenset())
    assert both.texts.phrases == (WORDS[LANTERNS], WORDS[ORCHARD])
    assert both.with_changes((), [first.id], frozenset()).texts.phrases == (WORDS[ORCHARD],)
    assert both.with_changes((), ["ft_other"], frozenset()) is both
    assert both.with_changes((), [first.id, second.id], frozenset()).phrases == {}


def test_what_is_context_does_not_count_as_long_as_it_is() -> None:
    first = target(LANTERNS)
    near = AlwaysNear().with_changes([first], (), frozenset({fold(LANTERNS)}))
    assert near.texts.phrases == ()
    assert near.with_changes((), (), frozenset()).texts.phrases == (WORDS[LANTERNS],)


def test_with_too_many_targets_none_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "MAX_TARGETS", 1)
    one = AlwaysNear().with_changes([target(LANTERNS)], (), frozenset())
    assert one.texts
    assert not one.with_changes([target(ORCHARD)], (), frozenset()).texts


def test_the_more_targets_there_are_the_rarer_the_words_must_be_that_nearly_say_a_phrase() -> None:
    mirror, people = target("The Broken Mirror of Seoul"), target("People of the Great House")
    words = ("broken", "mirror", "seoul")
    assert near.MIN_BITS < near.least_bits(words) < near.MIN_BITS + 10
    first = AlwaysNear().with_changes([mirror, people], (), frozenset())
    assert first.texts.phrases == (words,)
    others = [replace(target(LANTERNS), id=f"ft_{n}") for n in range(1_024)]
    assert words not in first.with_changes(others, (), frozenset()).texts.phrases
