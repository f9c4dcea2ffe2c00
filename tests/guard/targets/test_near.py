from __future__ import annotations

import pytest

from guard.matching.escape_scanner import EscapeScanner
from guard.matching.near import NearScanner
from guard.registry.drafts import new_target
from guard.targets import near
from guard.targets.near import long_phrases, near_texts
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


@pytest.mark.parametrize("name", ["J. K. Quornewell", "A. B. C. Teelwick", "О. П. Квиткевич", "Iris M. L. Venn"])
def test_initials_make_no_name_a_long_phrase(name: str) -> None:
    """Two of three words would tell it: "J. K." would end an answer. The family name is forbidden by itself."""
    assert phrases(name) == ()
    assert phrases("The Lantern Years of J. K. Quornewell") == (("lantern", "years", "j", "k", "quornewell"),)


def test_what_an_exception_nearly_says_is_left_out() -> None:
    assert phrases(TITLE, exceptions=("The Mercy Diary of a Surgeon",)) == ()
    assert phrases(TITLE, exceptions=("The Surgeon",)) == (WORDS,)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("The United States Government", ()),
        ("The New York Lantern Review", (("york", "lantern", "review"), ("new", "york", "lantern", "review"))),
        ("Lamps Over New York", ()),
        ("Star Wars: Ledger Tide", (("wars", "ledger", "tide"), ("star", "wars", "ledger", "tide"))),
        # The name alone would be enough.
        ("Papua New Guinea Lamp Ledger", (("guinea", "lamp", "ledger"),)),
    ],
)
def test_a_name_that_everybody_knows_counts_as_one_word_and_as_all_of_its_words_if_it_cannot_tell_alone(
    phrase: str, words: tuple[tuple[str, ...], ...]
) -> None:
    assert phrases(phrase) == words


def test_in_every_answer_a_name_that_everybody_knows_counts_as_one_word_only() -> None:
    draft = Draft(name="harbour tales", kind=Kind.TOPIC, phrases=("The New York Lantern Review",))
    found = long_phrases(new_target(draft), whole_names=False)
    assert [phrase.words for phrase in found] == [("york", "lantern", "review")]


def test_what_a_text_says_with_a_known_name_is_told_by_the_share_of_all_its_words() -> None:
    near_title = near_texts(
        new_target(Draft(name="Tale", kind=Kind.TOPIC, phrases=("Silent Ledgers: A Star Wars Comedy",)))
    )
    for text, said in (
        ("It is a Star Wars comedy by her.", "It is a Star Wars "),
        ("Silent tales of Star Wars are told.", "Silent tales of Star "),
        ("A comedy after Star Wars, in silent rooms.", "A comedy after Star Wars, in silent rooms."),
        ("It is a star of comedy.", "It is a star of comedy."),
    ):
        scanner = NearScanner(EscapeScanner([]), [near_title])
        assert scanner.feed(text) + scanner.finish() == said


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


def test_dates_and_numbers_must_not_be_told_in_parts_unless_no_variants_are_wanted() -> None:
    fact = Fact(answer="Orla Venn was born on 4 March 1987. Call her: +44 20 7946 0958.")
    for width, said in (
        (Variants.CLOSE, "Born in March 1987, on the "),
        (Variants.NONE, "Born in March 1987, on the 4th"),
    ):
        found = near_texts(new_target(Draft(name="Orla Venn", facts=(fact,), variants=width)))
        scanner = NearScanner(EscapeScanner([]), [found])
        assert scanner.feed("Born in March 1987, on the 4th") + scanner.finish() == said


def test_rare_names_must_not_be_nearly_said_unless_an_exception_says_so() -> None:
    fact = Fact(answer="Orla Quornewell was born in Sallowmere.")
    for exceptions, said in (((), "She left "), (("Sallowmeer",), "She left Sallowmeer for ")):
        found = near_texts(new_target(Draft(name="Orla Quornewell", facts=(fact,), exceptions=exceptions)))
        scanner = NearScanner(EscapeScanner([]), [found])
        assert scanner.feed("She left Sallowmeer for Quornewall.") + scanner.finish() == said
