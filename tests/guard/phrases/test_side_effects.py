from __future__ import annotations

import pytest

from guard.patterns.pattern import Pattern, PatternKind
from guard.phrases.side_effects import MAX_EXAMPLES, SideEffect, side_effects
from guard.targets.phrases import side_effects_of
from guard.targets.target import Draft, Fact, Kind


def of_phrase(phrase: str, language: str = "en") -> SideEffect | None:
    return next(side_effects([phrase], language), None)


def test_a_name_that_is_a_word_forbids_the_word() -> None:
    effect = of_phrase("Rose")
    assert effect is not None
    assert "rose" in effect.examples
    assert len(effect.examples) <= min(MAX_EXAMPLES, effect.words)


def test_a_short_name_between_borders_forbids_no_longer_word() -> None:
    effect = of_phrase("Eve")
    assert effect is not None
    assert "never" not in effect.examples


@pytest.mark.parametrize("phrase", ["Ilsabet Quorne", "Sallowmere", "4929 1234 5678 9012", "", "?!"])
def test_a_rare_phrase_forbids_nothing_else(phrase: str) -> None:
    assert of_phrase(phrase) is None


def test_words_are_those_of_the_language_of_the_texts() -> None:
    facts = (Fact(answer="Sie wohnt seit drei Jahren mit ihrer Frau in der Stadt."),)
    assert [
        effect.phrase for effect in side_effects_of(Draft(name="Lenor Quast", aliases=("Stadt",), facts=facts))
    ] == ["Stadt"]


@pytest.mark.parametrize("expression", [".{4,}", r"\w{4,}", "[a-z]+ing", "(?:that|with)+"])
def test_a_regular_expression_that_matches_common_words_is_named(expression: str) -> None:
    draft = Draft(name="codes", kind=Kind.TOPIC, patterns=(Pattern(kind=PatternKind.REGEX, value=expression),))
    (effect,) = side_effects_of(draft)
    assert effect.phrase == expression
    assert effect.words >= len(effect.examples) > 0


@pytest.mark.parametrize("expression", [r"KX-\d{4}", r"[A-Z]{2}\d{6}", "quorne[a-z]*"])
def test_one_that_matches_none_is_not(expression: str) -> None:
    draft = Draft(name="codes", kind=Kind.TOPIC, patterns=(Pattern(kind=PatternKind.REGEX, value=expression),))
    assert side_effects_of(draft) == ()


def test_a_repr_shows_no_text() -> None:
    assert "rose" not in repr(of_phrase("Rose")).lower()
