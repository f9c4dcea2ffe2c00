"""Names with a letter wrong, without their end, or with names between their parts."""

from __future__ import annotations

import tracemalloc

import pytest

from guard.matching.escape_scanner import EscapeScanner
from guard.matching.near import NearScanner, NearTexts
from guard.variants.name_matcher import NameMatcher

NAMES = NameMatcher.of(
    ["Quorne", "Sallowmere", "Gorzałek", "harbour", "Miller", "Κουρνάκης", "K7ZX44"],
    ["Joan Miller", "Anna Maria Kowalska", "Ilsabet Quorne"],
    exceptions=["Quorn", "Sallowmeer Hall"],
)


def said(text: str, names: NameMatcher = NAMES, size: int = 1_000) -> str:
    scanner = NearScanner(EscapeScanner([]), [NearTexts(values=(names,))])
    pieces = [scanner.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return "".join(pieces) + scanner.finish()


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("in Salowmere today", "in "),
        ("in Sallowmire", "in "),
        ("in Sallowmer and elsewhere", "in "),
        ("in Sallowme, they say", "in "),
        ("in Salolwmere", "in "),
        ("Ms Kuorne", "Ms "),
        ("Ms QUORNNE", "Ms "),
        ("dla Gorzałka i Gorzalck", "dla Gorzałka i "),
        ("ο Κουρνάκη", "ο "),
        ("Joan Anne Miller", "Joan Anne "),
        ("Joan (née Cole) Miller", "Joan (née Cole) "),
        ('Joan "Jo" Miller', 'Joan "Jo" '),
        ("Anna Kowalska", "Anna Kowalska"),
        ("Anna Zofia Kowalska", "Anna Zofia "),
        ('{"Vorname": "Joan", "Nachname": "Miller"}', '{"Vorname": "Joan", "Nachname": "'),
        ("Nom : MILLER, prénom : Joan", "Nom : MILLER, prénom : "),
        (
            '{"first_name":"Joan","middle_name":"Ann","last_name":"Miller"}',
            '{"first_name":"Joan","middle_name":"Ann","last_name":"',
        ),
        ("<first_name>Joan</first_name><last_name>Miller</last_name>", "<first_name>Joan</first_name><last_name>"),
    ],
)
def test_an_answer_ends_before_a_name_that_is_nearly_said(text: str, before: str, size: int) -> None:
    assert said(text, size=size) == before


@pytest.mark.parametrize(
    "text",
    [
        "a sallow mere, shallow water",
        "Quorn and Sallowmeer are others.",
        "the harbours, the harbor",
        "Joan met Miller. Joan and the miller. Miller, the baker",
        "Joan Anne Mary Ella Miller",
        "Last name: Miller. Her husband is John. First name: Mary",
        "Anne Miller",
        "a quorum, a corner, Sallow",
        "K7ZX45",
    ],
)
def test_other_words_and_other_people_are_said(text: str) -> None:
    assert said(text) == text


def test_what_the_caller_says_itself_may_be_said() -> None:
    left = NAMES.without_stated("Joan Cole Miller lives in Sallowmere, or Sallowmire.")
    assert said("Joan Anne Miller is in Salowmere", left) == "Joan Anne Miller is in Salowmere"
    assert said("Ms Kuorne", left) == "Ms "


def test_names_that_others_have_are_not_looked_for() -> None:
    assert not NameMatcher.of(["Miller", "London", "harbour", "Rose"], ["The Rose"])


def test_a_word_without_end_takes_no_memory() -> None:
    word = "Sallow" * 1_000
    tracemalloc.start()
    try:
        assert said(word + " in Sallowmire") == word + " in "
        assert NAMES.without_stated(word) == NAMES
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
