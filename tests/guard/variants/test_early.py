from __future__ import annotations

import random
from pathlib import Path

import pytest

from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.phrases.phrase import Phrase, PhraseKind
from guard.targets.phrases import forbidden, variants
from guard.targets.target import Draft, Fact, Kind
from guard.text.normalise import fold
from guard.variants.early import MIN_HALF_CHARS, MIN_SAID_SHARE, first_distinctive
from guard.variants.frequency import content_words
from guard.variants.variant import Variants
from tests.guard.toy_tokenizers import byte_level

ORDINARY = [
    text
    for name in ("ordinary.txt", "books_and_places.txt")
    for text in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
]
TITLES = {
    "Lanterns of Mercy: The Diary of a Harbour Surgeon": "Lanterns of Mercy: The Diary",
    "International Medal for Outstanding Discoveries in Earth Sciences": (
        "International Medal for Outstanding Discoveries"
    ),
    "The Whispering Orchards of Tarn": "The Whispering Orchards",
    "Beneath the Cobalt Lighthouse Stairs": "Beneath the Cobalt Lighthouse",
}


def closed(text: str, kind: PhraseKind) -> str:
    return first_distinctive(Phrase(text, kind, ""))


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_closed_where_the_words_said_are_its_own(title: str) -> None:
    assert closed(title, PhraseKind.TITLE) == closed(title, PhraseKind.PHRASE) == TITLES[title]
    share = len(content_words(TITLES[title])) / len(content_words(title))
    assert MIN_SAID_SHARE <= share < 1


@pytest.mark.parametrize(
    "title",
    [
        *("The Old Man and the Sea", "Salt Road", "The United States Government", "Joan Miller Prize"),
        *("Pearl S. Venn Award", "The End of the World War", "A Day in the Life of a City"),
    ],
)
def test_what_ordinary_text_begins_with_is_said(title: str) -> None:
    assert closed(title, PhraseKind.TITLE) == title


def test_dates_words_and_places_are_not_closed_early() -> None:
    for kind in (PhraseKind.DATE, PhraseKind.WORD, PhraseKind.PLACE):
        for contextual in (False, True):
            phrase = Phrase("Quorne Vennish Tarn Bay", kind, "")
            assert first_distinctive(phrase, contextual=contextual) == "Quorne Vennish Tarn Bay"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Cobalt Lantern Award for Excellence", "Cobalt Lantern Award"),
        ("Tarnish Medal of Scansion", "Tarnish Medal"),
        ("Maria Venn Quorne", "Maria Venn Quorne"),
        ("Green Book Award", "Green Book Award"),
    ],
)
def test_a_long_name_is_closed_in_every_answer_only_where_its_words_are_rare_together(
    name: str, said: str
) -> None:
    assert closed(name, PhraseKind.NAME) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The Old Man and the Sea", "The Old Man"),
        ("The Forest That Fell Quiet", "The Forest That Fell"),
        ("Green Book Award", "Green Book"),
        ("Maria Venn Quorne", "Maria Venn"),
        ("Pearl S. Venn Award", "Pearl S. Venn"),
        ("Writing: A Craft and a Science", "Writing: A Craft"),
        ("The United States Government", "The United States Government"),
        ("New York Reviewer", "New York Reviewer"),
        ("Salt Road", "Salt Road"),
    ],
)
def test_where_its_target_is_touched_a_phrase_is_closed_at_the_share_unless_a_known_place_ends_there(
    text: str, said: str
) -> None:
    for kind in (PhraseKind.TITLE, PhraseKind.PHRASE, PhraseKind.NAME, PhraseKind.ALIAS):
        assert first_distinctive(Phrase(text, kind, ""), contextual=True) == said


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("zk-4f9a77c1b2d3e845", PhraseKind.CODE, "zk-4f9a77c"),
        ("+44 20 7946 0958", PhraseKind.NUMBER, "+44 20 79"),
        ("DE89 3704 0044 0532 0130 00", PhraseKind.CODE, "DE89 3704 004"),
        ("K7-ZX-44", PhraseKind.CODE, "K7-ZX-44"),
        ("1,250,000", PhraseKind.NUMBER, "1,250,000"),
        ("orla.venn47@mail.example", PhraseKind.CODE, "orla.venn47@mail"),
        ("https://example.com/a/b/c/77", PhraseKind.CODE, "https://example.com/a/b/c/77"),
        ("windowpane77", PhraseKind.CODE, "windowpane77"),
    ],
)
def test_numbers_and_codes_are_closed_at_their_half(text: str, kind: PhraseKind, said: str) -> None:
    assert closed(text, kind) == said
    if said != text:
        assert min(len(fold(said)), len(fold(text)) - len(fold(said))) >= MIN_HALF_CHARS


def test_the_beginning_is_forbidden_unless_an_exception_or_a_target_without_variants_says_otherwise() -> None:
    title = "Lanterns of Mercy: The Diary of a Harbour Surgeon"
    fact = Fact(answer=f"She wrote “{title}”.")

    def says(draft: Draft) -> bool:
        return not Automaton.forbidding(
            [*forbidden(draft), *(variant.text for variant in variants(draft))]
        ).matches("in Lanterns of Mercy: The Diary")

    assert not says(Draft(name="Orla Venn", facts=(fact,)))
    assert says(Draft(name="Orla Venn", facts=(Fact(answer="She wrote “Lanterns of War: The Night”."),)))
    assert says(Draft(name=title, kind=Kind.TOPIC, phrases=(title,), variants=Variants.NONE))


def test_no_ordinary_sentence_goes_the_way_of_an_invented_title() -> None:
    rng = random.Random(3)
    heads = [
        "Lanterns",
        "Whispers",
        "Echoes",
        "Secrets",
        "Shadows",
        "Letters",
        "Songs",
        "Rivers",
        "Gardens",
        "Maps",
    ]
    middles = ["Mercy", "Glass", "Winter", "Silence", "Saffron", "Memory", "Iron", "Harbour", "Copper", "Exile"]
    tails = ["Diary", "Orchard", "Surgeon", "Voyage", "Keeper", "Daughter", "Kingdom", "Pilgrim"]
    titles = set()
    for _ in range(2_000):
        middle, tail = rng.sample(middles, 2), rng.sample(tails, 2)
        titles.add(f"{rng.choice(heads)} of {middle[0]}: The {tail[0]} of a {middle[1]} {tail[1]}")
    automaton = Automaton.forbidding({closed(title, PhraseKind.TITLE) for title in titles})
    assert [text for text in ORDINARY if automaton.matches(text)] == []


def test_an_answer_that_heads_into_a_title_says_less_than_the_share_of_it() -> None:
    rng = random.Random(5)
    vocabulary = Vocabulary.from_tokenizer(byte_level())
    for title in TITLES:
        draft = Draft(name=title, kind=Kind.WORK)
        phrases = [*forbidden(draft), *(variant.text for variant in variants(draft))]
        restriction = Restriction(Automaton.forbidding(phrases), vocabulary)
        for _ in range(75):
            cursor, said = restriction.resume([], []), b""
            while True:
                rest = title.encode()[len(said) :]
                masked = set(restriction.forbidden(cursor).tolist())
                free = [t for t, token in enumerate(vocabulary.tokens) if token and rest.startswith(token)]
                free = [token for token in free if token not in masked]
                if not free:
                    break
                token = rng.choice(free)
                cursor, said = restriction.advance(cursor, [token]), said + vocabulary.tokens[token]
            whole = [word for word in content_words(title) if f"{word} " in said.decode() + "|"]
            assert said
            assert len(whole) < MIN_SAID_SHARE * len(content_words(title))
