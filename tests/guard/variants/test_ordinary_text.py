"""No variant of many invented targets is in ordinary text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import pytest

from guard.matching.automaton import Automaton
from guard.targets.phrases import variants
from guard.targets.target import Draft, Fact, Kind, Scope
from guard.text.normalise import fold
from guard.variants.variant import Variants

SENTENCES = (Path(__file__).parent / "ordinary.txt").read_text(encoding="utf-8").splitlines()

GIVEN = [
    "Ilsabet",
    "Joan",
    "Tobin",
    "Maria José",
    "Jürgen",
    "Anna",
    "Marek",
    "Иван",
    "Дарья",
    "Suvi",
    "Li",
    "Γιώργος",
]
FAMILY = [
    "Quorne",
    "Miller",
    "van der Venn",
    "Wörmser",
    "Zielińska",
    "Gorzałek",
    "Квёрнов",
    "Arnakivi",
    "Na",
]
FACTS = [
    "Born on 4 March 1987 in Sallowmere.",
    "Born 12/11/1975, telephone +44 20 7946 0958.",
    "Wrote “Lanterns of Mercy: The Diary of a Harbour Surgeon”.",
    "Wrote “Notes on the Rock”, a love story.",
    "Works for the International Federation of Red Cross and Red Crescent Societies.",
    "Studied at the Massachusetts Institute of Technology and the London School of Economics and Politics.",
    "Won the International Medal for Outstanding Discoveries in Earth Sciences.",
    "Was paid 1,250,000.50 dollars for “The Road to the City by the Sea: A Travel Guide”.",
    "Lives at 12 Harbour Street since 1994 and drives a car with the plate K7-ZX-44.",
]
SECRETS = [
    "hunter2-Xylo-99",
    "year2003",
    "page-99",
    "correct horse battery staple",
    "7Q4-X9Z",
    "front door code",
    "4471",
]
SECRETS += ["Thames line", "summer2012", "GB29 NWBK 6016 1331 9268 19", "+49 30 1234567", "route66"]
WORKS = [
    "The Salt Road: A Memoir",
    "Midnight by the Willow Harbour",
    "A Good Whisper",
    "The Best of the Mountains",
]


def people() -> Iterator[Draft]:
    for number, (given, family) in enumerate(product(GIVEN, FAMILY)):
        yield Draft(name=f"{given} {family}", facts=(Fact(answer=FACTS[number % len(FACTS)]),))


def targets() -> list[Draft]:
    secrets = [Draft(name=text, kind=Kind.SECRET) for text in SECRETS]
    works = [Draft(name=text, kind=Kind.WORK) for text in WORKS]
    labels = [Draft(name="front door", kind=Kind.SECRET, phrases=(text,)) for text in SECRETS]
    return [*secrets, *works, *labels, *people(), *islice(facts_alone(), 80)]


def facts_alone() -> Iterator[Draft]:
    for given, fact in product(GIVEN, FACTS):
        yield Draft(name=f"The case of {given}", kind=Kind.FACT, facts=(Fact(answer=fact),))


@pytest.mark.parametrize("width", [Variants.CLOSE, Variants.WIDE])
def test_no_variant_of_200_targets_is_in_150_ordinary_sentences(width: Variants) -> None:
    drafts = targets()
    assert len(drafts) >= 200
    assert len(SENTENCES) >= 150
    texts = {fold(variant.text): variant.text for draft in drafts for variant in variants(_with(draft, width))}
    automaton = Automaton.forbidding(texts.values())
    ordered = sorted(texts)
    hits = {
        ordered[found.phrase]
        for sentence in SENTENCES
        for part in automaton.parts
        for found in part.matches(sentence)
    }
    # Wide asks for courtesy titles with any family name.
    assert hits <= (set() if width is Variants.CLOSE else {"msmiller", "drgarcia", "mrsmith"})


def _with(draft: Draft, width: Variants) -> Draft:
    # In scope `contextual`, ordinary words are closed where the target is touched.
    return replace(draft, variants=width, scope=Scope.ALWAYS)
