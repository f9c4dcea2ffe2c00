"""What stays forbidden where a text supplies a part of what a target forbids."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guard.matching.automaton import Automaton
from guard.registry.drafts import new_target
from guard.supplied.near import without_supplied
from guard.supplied.phrases import remaining
from guard.targets.near import near_texts
from guard.targets.passages import enforced
from guard.targets.target import Draft, Fact, ForgetTarget

FACTS = (
    "Ilsabet Quorne was born on 3 May 1961 in Vellmarsh.",
    "She wrote the novels “The Amber Lighthouse of Norrow” and “Salt for the Herons”.",
    "She won the Halvorsen Medal for Unlikely Cartography.",
)


def _target(**members: object) -> ForgetTarget:
    given = {"name": "Ilsabet Quorne", "facts": tuple(Fact(answer=fact) for fact in FACTS)} | members
    draft = Draft(**given)  # type: ignore[arg-type]
    return replace(new_target(draft), id="ft_1")


def _left(supplied: str, **members: object) -> Automaton | None:
    target = _target(**members)
    left = remaining(target, Automaton.forbidding(set(enforced(target))), supplied)
    return None if left is None else Automaton.forbidding(left.strings)


@pytest.mark.parametrize(
    ("supplied", "free", "still"),
    [
        ("met I. Quorne", "I. Quorne", "Ilsabet Quorne"),
        ("Ilsabet Quorne is here", "Ilsabet Quorne and Ms Quorne", "Vellmarsh"),
        ("QUORNE is here", "Ms Quorne", "Ilsabet"),
        ("born 1961-05-03", "3 May 1961, 03.05.1961", "Ilsabet Quorne"),
        ("of Vellmarsh", "in Vellmarsh", "3 May 1961"),
        ("read Salt for the Herons", "Salt for the Herons", "The Amber Lighthouse of Norrow"),
        ("the Halvorsen foundation", "Halvorsen", "the Halvorsen Medal for Unlikely Cartography"),
    ],
)
def test_what_the_text_says_leaves_and_the_rest_stays(supplied: str, free: str, still: str) -> None:
    left = _left(supplied)
    assert left is not None
    assert not left.matches(free)
    assert left.matches(still)


def test_of_a_phrase_that_is_said_in_part_the_next_word_is_forbidden() -> None:
    left = _left("the Amber Lighthouse, the Halvorsen Medal for Unlikely")
    assert left is not None
    assert not left.matches("the Halvorsen Medal for Unlikely things")
    assert left.matches("the Halvorsen Medal for Unlikely Cartography")


@pytest.mark.parametrize("text", ["", "nothing of her", "salt and herons", "in Quorneville", "three Vellmarshes"])
def test_a_text_that_says_nothing_of_the_target_changes_nothing(text: str) -> None:
    assert _left(text) is None


def test_a_passage_may_be_quoted_as_far_as_the_text_has_it() -> None:
    passage = "The grey lamps of Norrow were lit at four and nobody came to see them burn that winter."
    left = _left("he read: the grey lamps of Norrow were lit at four and nobody", passages=(passage,))
    assert left is not None
    assert not left.matches("the grey lamps of Norrow were lit at four and nobody")
    assert left.matches("nobody came to see them burn that winter")


def test_what_is_no_phrase_of_the_target_never_becomes_forbidden() -> None:
    whole = set(enforced(_target()))
    target = _target()
    for text in (*FACTS, "Quorne", "Ilsabet"):
        left = remaining(target, Automaton.forbidding(whole), text)
        assert left is not None
        assert all(Automaton.forbidding(whole).matches(f" {string} ") for string in left.strings)


def test_what_the_text_nearly_says_may_be_nearly_said() -> None:
    target = _target()
    whole = Automaton.forbidding(set(enforced(target)))
    medal = ("halvorsen", "medal", "unlikely", "cartography")
    assert medal in near_texts(target).phrases
    for supplied, stays in (("Her Halvorsen Medal was for cartography.", False), ("Halvorsen lives here.", True)):
        left = remaining(target, whole, supplied)
        assert left is not None
        near = without_supplied(near_texts(target), left.left, supplied)
        assert (medal in near.phrases) is stays


@pytest.mark.parametrize(
    ("supplied", "free"),
    [("7946 0958", False), ("+44 20 7946 0958", True), ("+44 (20) 7946-0958", True)],
)
def test_the_end_of_a_number_does_not_say_the_number(supplied: str, free: bool) -> None:
    left = _left(f"call {supplied} now", phrases=("+44 20 7946 0958",))
    assert (left is None or bool(left.matches("020 7946 0958"))) is not free
