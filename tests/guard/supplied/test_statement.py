"""Sentences of a turn: where they end, and which of them state something."""

from __future__ import annotations

import pytest

from guard.supplied.statement import confirms, grammar_of, is_statement, sentences
from guard.supplied.words import LANGUAGES


def test_a_sentence_does_not_end_in_an_abbreviation_or_a_number() -> None:
    assert list(sentences("Dr. Quorne paid 3.50 here. J. Quorne left! Why?")) == [
        "Dr. Quorne paid 3.50 here.",
        "J. Quorne left!",
        "Why?",
    ]


def test_the_languages_of_a_turn_are_those_of_its_text_its_first_and_its_last_line() -> None:
    english, german = "Where does she live now?", "Sie wohnt jetzt mit ihrer Schwester in Bremen."
    both = grammar_of([english, german])
    assert both is not None
    assert {"tell", "sag"} <= both.orders
    assert grammar_of(["Berätta om hennes liv och hennes böcker nu."]) is None


def test_every_language_has_all_words() -> None:
    for language in LANGUAGES:
        found = grammar_of([_SAMPLES[language]])
        assert found is not None
        assert all((found.orders, found.doubt, found.confirm, found.choice))


_SAMPLES = {
    "en": "She lives with her sister and works at the harbour.",
    "de": "Sie wohnt bei ihrer Schwester und arbeitet am Hafen.",
    "fr": "Elle habite chez sa sœur et travaille au port.",
    "es": "Ella vive con su hermana y trabaja en el puerto.",
    "it": "Lei abita con la sorella e lavora al porto.",
    "pt": "Ela mora com a irmã e trabalha no porto também.",
    "nl": "Zij woont bij haar zus en werkt in de haven.",
}


@pytest.mark.parametrize("language", _SAMPLES)
def test_a_plain_sentence_of_each_language_states_something(language: str) -> None:
    by = grammar_of([_SAMPLES[language]])
    assert by is not None
    assert is_statement(_SAMPLES[language], by)
    assert not confirms(_SAMPLES[language], by)


@pytest.mark.parametrize(
    "sentence", ["Is that right?", "Do you know?", "Yes or no.", "Confirm that.", "Tell me if I am wrong."]
)
def test_a_sentence_that_asks_if_something_is_true_makes_it_a_guess(sentence: str) -> None:
    by = grammar_of([sentence])
    assert by is not None
    assert confirms(sentence, by)


@pytest.mark.parametrize("sentence", ["Where does she live?", "Could you help me?", "Write her a card."])
def test_other_questions_and_orders_do_not(sentence: str) -> None:
    by = grammar_of([sentence])
    assert by is not None
    assert not confirms(sentence, by)
