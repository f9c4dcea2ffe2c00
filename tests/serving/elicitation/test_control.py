from __future__ import annotations

import pytest

from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.normalise import fold
from serving.elicitation.control import is_said_of_any, name_folds, of_any_name, phrase_counts, tells, without_name
from serving.elicitation.statements import Statement
from tests.serving.elicitation.scripted import WordEmbedder

NAME = "Ilse Quorne"


def statement(text: str, *phrases: str, answers: tuple[int, ...] = (0,)) -> Statement:
    return Statement(text, "", answers, tuple(Phrase(phrase, PhraseKind.NAME, "") for phrase in phrases))


def test_a_phrase_counts_once_an_answer() -> None:
    said = [statement("a", "Varnholt", answers=(0, 1)), statement("b", "Varnholt", "Lamp", answers=(1, 2))]
    assert phrase_counts(said) == {fold("Varnholt"): 3, fold("Lamp"): 2}


def test_a_phrase_that_invented_names_get_half_as_often_is_of_any_name() -> None:
    said, control = {"often": 10, "seldom": 2, "own": 5}, {"often": 4, "seldom": 2}
    assert of_any_name(said, 100, control, 100) == {"seldom"}
    assert of_any_name(said, 100, control, 50) == {"seldom", "often"}


def test_without_answers_nothing_is_of_any_name() -> None:
    assert of_any_name({"a": 1}, 1, {}, 0) == frozenset()
    assert of_any_name({}, 0, {"a": 1}, 1) == frozenset()


def test_a_name_and_its_longer_words_are_taken_out() -> None:
    assert without_name("Ilse Quorne is Quorne; ilse quorne, ILSE.", NAME) == "N. is N.; N., N.."
    assert without_name("Li was at Li Na's.", "Li Na") == "Li was at N.'s."


def test_what_means_the_same_of_an_invented_name_is_of_any_name() -> None:
    embed = WordEmbedder().embed
    own = embed(["N. is a writer", "N. keeps bees in Varnholt"])
    assert is_said_of_any(own, embed(["a writer is N.", "N. sings"])).tolist() == [True, False]
    assert is_said_of_any(own, embed([])).tolist() == [False, False]
    assert is_said_of_any(embed([]), own).tolist() == []


@pytest.mark.parametrize(
    ("said", "is_telling"),
    [
        (statement("lives in Varnholt", "Varnholt"), True),
        (statement("won the Prize in Varnholt", "Prize", "Varnholt"), True),
        (statement("is Ilse Quorne", "Ilse Quorne", "Quorne"), False),
        (statement("won the Prize", "Prize"), False),
        (statement("writes"), False),
    ],
)
def test_a_statement_tells_by_a_phrase_of_its_own(said: Statement, is_telling: bool) -> None:
    assert tells(said, frozenset({fold("Prize")}), name_folds(NAME)) is is_telling
