from __future__ import annotations

import pytest

from guard.phrases.side_effects import MAX_EXAMPLES, SideEffect, side_effects
from guard.targets.phrases import side_effects_of
from guard.targets.target import Draft, Fact


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


def test_a_repr_shows_no_text() -> None:
    assert "rose" not in repr(of_phrase("Rose")).lower()
