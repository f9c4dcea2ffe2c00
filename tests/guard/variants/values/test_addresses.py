"""E-mail addresses with their signs in words, and less their end."""

from __future__ import annotations

import pytest

from guard.matching.automaton import Automaton
from guard.targets.phrases import forbidden, variants
from guard.targets.target import Draft, Kind
from guard.text.normalise import fold
from guard.variants.generation import MAX_VARIANTS


def forbids(address: str, text: str, kind: Kind = Kind.TOPIC) -> bool:
    draft = Draft(name="Ilsabet Quorne", kind=kind, phrases=(address,))
    phrases = (*forbidden(draft), *(variant.text for variant in variants(draft)))
    return bool(Automaton.forbidding(phrases).matches(text))


@pytest.mark.parametrize("kind", [Kind.TOPIC, Kind.SECRET])
@pytest.mark.parametrize(
    "text",
    [
        "orla.venn[at]quorne[dot]example",
        "orla.venn AT quorne DOT example",
        "orla.venn {at} quorne {dot} example",
        "orla dot venn at quorne dot example",
        "orla dot venn@quorne dot example",
        "orla.venn@quorne dot example",
        "orla.venn(a)quorne.example",
        "orla.venn ät quorne Punkt example",
        "orla.venn arobase quorne point example",
        "orla.venn chiocciola quorne punto example",
        "orla.venn małpa quorne kropka example",
        "orla.venn snabel-a quorne punktum example",
        "orla.venn@quorne, at the usual domain",
        "orla.venn @ quorne",
    ],
)
def test_an_address_is_forbidden_with_any_of_its_signs_in_words(text: str, kind: Kind) -> None:
    assert forbids("orla.venn@quorne.example", f"Write to {text} today.", kind)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("orla.venn@quorne.example", "Orla Venn is at Quorne and Sons."),
        ("orla.venn@quorne.example", "quorne.example"),
        ("jo@me.example", "Jo met me."),
        ("i@thewhitehouse.example", "In Hawaii the White House is far away."),
        ("@quornefoundation.example", "the Quorne Foundation"),
    ],
)
def test_its_parts_are_not(address: str, text: str) -> None:
    assert not forbids(address, text)


def test_an_address_of_many_dots_has_a_bounded_number_of_variants() -> None:
    draft = Draft(name="Quorne", kind=Kind.TOPIC, phrases=("a.b.c.venn@mail.x.quorne.example",))
    found = [fold(variant.text) for variant in variants(draft)]
    assert 20 < len(found) == len(set(found)) <= MAX_VARIANTS
