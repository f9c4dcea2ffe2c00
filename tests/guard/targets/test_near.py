from __future__ import annotations

import pytest

from guard.targets import near
from guard.targets.drafts import new_target
from guard.targets.near import near_texts
from guard.targets.target import Draft, Fact, Kind
from guard.variants.variant import Variants

TITLE = "Lanterns of Mercy: The Diary of a Harbour Surgeon"
WORDS = ("lanterns", "mercy", "diary", "harbour", "surgeon")
PASSAGE = "the ferryman counted seven lamps along the quay and wrote each of them down"


def phrases(*texts: str, **more: object) -> tuple[tuple[str, ...], ...]:
    return near_texts(new_target(Draft(name="harbour tales", kind=Kind.TOPIC, phrases=texts, **more))).phrases  # type: ignore[arg-type]


def test_phrases_of_three_content_words_and_more_must_not_be_nearly_said() -> None:
    fact = Fact(answer=f"She wrote “{TITLE}” and “Rock Notes”.")
    assert WORDS in near_texts(new_target(Draft(name="Orla Venn", facts=(fact,)))).phrases
    assert phrases(TITLE, "Rock Notes", "3 May 1961", "K7-ZX-44") == (WORDS,)
    assert phrases(TITLE, variants=Variants.NONE) == ()


def test_what_an_exception_nearly_says_is_left_out() -> None:
    assert phrases(TITLE, exceptions=("The Mercy Diary of a Surgeon",)) == ()
    assert phrases(TITLE, exceptions=("The Surgeon",)) == (WORDS,)


def test_a_place_that_everybody_knows_counts_as_one_word() -> None:
    assert phrases("The United States Government") == ()
    assert phrases("The New York Lantern Review") == (("york", "lantern", "review"),)


def test_a_very_long_phrase_counts_as_several() -> None:
    text = " ".join(f"word{number}x" for number in range(100))
    assert list(map(len, phrases(text))) == [48, 48, 4]


def test_passages_count_if_they_have_as_many_words_as_may_not_be_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def quoted(words: int) -> list[int]:
        draft = Draft(name="harbour tales", kind=Kind.TOPIC, passages=(PASSAGE,), quoted_words=words)
        return [most for _, most in near_texts(new_target(draft)).passages]

    assert quoted(8) == [8]
    assert quoted(20) == []
    monkeypatch.setattr(near, "MAX_PASSAGE_WORDS", 10)
    assert quoted(8) == []


def test_a_secret_counts_with_characters_wrong_if_it_is_long_enough_and_has_a_digit() -> None:
    def edits(*texts: str, kind: Kind = Kind.SECRET) -> list[str]:
        draft = Draft(name="front door code", kind=kind, phrases=texts)
        return [repr(secret) for secret in near_texts(new_target(draft)).secrets]

    assert edits("hunter2-Xylo-99") == ["EditPattern(edits=2)"]
    assert edits("K7-ZX-445") == ["EditPattern(edits=1)"]
    assert edits("58311", "correct horse battery") == []
    assert edits("hunter2-Xylo-99", kind=Kind.FACT) == []
