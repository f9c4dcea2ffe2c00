from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.edits import edits_to_nearest_part
from eval.metrics.near_leak import near_leak
from guard.matching.alignment import PassageWords, longest_near_quote
from guard.matching.automaton import Automaton
from guard.matching.edits import EditPattern
from guard.matching.escape_scanner import EscapeScanner
from guard.matching.near import MAX_WORD_CHARS, NearScanner, NearTexts, content_words, would_match
from guard.text.normalise import fold
from guard.variants.values.value_matcher import ValueMatcher

TITLES = (
    "Lanterns of Mercy: The Diary of a Harbour Surgeon",
    "The Glass Orchard of Venn",
    "The Tide Ledger Prize",
)
NEAR = NearTexts(tuple(map(content_words, TITLES)))
PASSAGE = (
    "The ferryman counted seven lamps along the quay and wrote each of them into the small green ledger that"
    " his mother had left him, for he trusted neither the tide nor the men who sold it."
)
QUOTED = NearTexts(passages=((PassageWords([PASSAGE]), 8),))


def released(near: NearTexts, pieces: list[str], seed: str = "") -> str:
    scanner = NearScanner(EscapeScanner([Automaton.compile(["Ada Quill"])], seed), [near], seed)
    return "".join(map(scanner.feed, pieces)) + scanner.finish()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("She wrote Lanterns of Mercy: The Diary of a Nurse.", "She wrote Lanterns of Mercy: The "),
        ("It is Tales of Mercy: The Diary of a Harbour Master.", "It is Tales of Mercy: The Diary of a "),
        ("Lanterns and more mercy, and then a diary", "Lanterns and more mercy, and then a "),
        ("in the glass of an orchard", "in the glass of an "),
        ("the glass green house of Venn", "the glass green house of "),
        ("The Ledger of the Year Prize", "The Ledger of the Year "),
        ("We know Ada Quill.", "We know "),
    ],
)
def test_text_ends_before_the_word_that_says_three_in_five_of_a_long_phrase(text: str, said: str) -> None:
    assert released(NEAR, [text]) == said
    assert not near_leak(said, NEAR.phrases)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "The orchard was behind the glass.", "Her diary was full of mercy.", "A prize ledger."),
        "The surgeon kept a diary" + " of the years that went by in other towns and houses" * 3 + " with mercy.",
    ],
)
def test_fewer_words_another_order_or_a_wide_spread_are_released(text: str) -> None:
    assert released(NEAR, [text]) == text


def test_what_the_client_itself_has_said_counts_only_if_the_answer_adds_to_it() -> None:
    assert released(NEAR, [" Orchard, which"], "It is called The Glass") == " "
    assert released(NEAR, [" and Mercy, and a diary"], "She has written Lanterns") == " and Mercy, and a "
    # All of it was said before.
    assert released(NEAR, [" was her second book"], "The Glass Orchard of Venn") == " was her second book"


@given(st.data())
def test_no_cutting_and_no_text_between_lets_a_near_copy_through(data: st.DataObject) -> None:
    words = st.sampled_from(
        [*" ".join(TITLES).split(), *["house", "of", "green", "years", "the", "Night'", "Night'll", "a-b"]]
    )
    text = " ".join(data.draw(st.lists(words, max_size=30)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    said = released(NEAR, pieces)
    assert said == released(NEAR, [text])
    assert text.startswith(said)
    assert not near_leak(said, NEAR.phrases)
    assert said == text or near_leak(text, NEAR.phrases)


def test_a_word_is_held_back_only_where_it_may_be_the_one_that_tells() -> None:
    scanner = NearScanner(EscapeScanner([]), [NEAR])
    pieces = ("We see", "n the gla", "ss", " ", "orch", "ard", " grew")
    assert [scanner.feed(piece) for piece in pieces] == ["We see", "n the gla", "ss", " ", "", "", ""]
    assert scanner.matched
    assert scanner.feed("anything") == scanner.finish() == ""


@given(st.data())
def test_asking_how_a_text_may_go_on_changes_nothing(data: st.DataObject) -> None:
    words = st.sampled_from([*" ".join(TITLES).split(), "Ada", "Quill", "zk-7731x9", r"\u0041da", "the", "Night'"])
    near = NearTexts(NEAR.phrases, QUOTED.passages, (EditPattern("zk7731x9", 1),))
    asked, plain = (NearScanner(EscapeScanner([Automaton.compile(["Ada Quill"])]), [near]) for _ in range(2))
    said = ""
    for word in data.draw(st.lists(words, max_size=12)):
        would = would_match(asked, f" {word}")
        assert would == would_match(asked.copy(), f" {word}")
        said += asked.feed(f" {word}")
        assert said.endswith(plain.feed(f" {word}"))
        # What has matched would have; what would may go on to be another word.
        assert would or not asked.matched
    assert asked.finish() == plain.finish()


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("the ferryman counted seven lamps along the quay", 8),
        ("The ferryman counted nine lamps along the quay and wrote", 8),
        ("the FERRYMAN counted lamps along the quay and wrote each", 9),
        ("the ferryman counted seven bright lamps along the quay and wrote", 9),
        ("a man counted seven boats along a pier and wrote some of it", 2),
        ("", 0),
        ("Nothing of it is here", 1),
    ],
)
def test_a_near_quote_counts_its_words_less_those_that_differ(text: str, quoted: int) -> None:
    assert longest_near_quote([PASSAGE], text) == quoted


def test_a_passage_with_every_sixth_word_changed_is_cut_and_one_in_other_words_is_not() -> None:
    words = PASSAGE.split()
    changed = " ".join("something" if at % 6 == 5 else word for at, word in enumerate(words))
    said = released(QUOTED, [changed])
    assert longest_near_quote([PASSAGE], said) == 7
    assert len(said.split()) < 16
    retold = "Trusting nobody, a man at the ferry noted the lights in a book that was his mother's."
    assert released(QUOTED, [retold]) == retold


def test_words_that_an_exception_allows_count_for_nothing() -> None:
    allowed = NearTexts(passages=((PassageWords([PASSAGE], ["seven lamps along the quay"]), 8),))
    text = "The ferryman counted seven lamps along the quay. That is all."
    assert released(allowed, [text]) == text
    assert released(QUOTED, [text]) != text


def test_a_random_text_of_common_words_is_no_near_quote() -> None:
    rng = random.Random(7)
    words = ["the", "of", "and", "to", "a", "in", "his", "that", "for", "he", "it", "who", "had", "men", "tide"]
    for _ in range(40):
        assert longest_near_quote([PASSAGE], " ".join(rng.choices(words, k=60))) < 8


SECRET = "hunter2-Xylo-99"
SECRETS = NearTexts(secrets=(EditPattern(fold(SECRET), 2),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"It is {SECRET}.", "It is "),
        ("It is hunter3-Xilo-99!", "It is "),
        ("It is hunter2 Xylo 9, they say.", "It is hunter2 "),
        ("It is HUNTER2XYLO", "It is "),
        ("It is hunter-Xylon-99", "It is "),
        ("It is hunter and xylophone 99.", "It is hunter and xylophone 99."),
        ("hunted-Xilo-98 is another", "hunted-Xilo-98 is another"),
    ],
)
def test_a_secret_is_withheld_with_up_to_two_characters_wrong(text: str, said: str) -> None:
    assert released(SECRETS, [text]) == released(SECRETS, list(text)) == said
    assert said == text or edits_to_nearest_part(SECRET, text) <= 2 < edits_to_nearest_part(SECRET, said)


def test_of_a_secret_that_the_client_began_nothing_more_is_said_and_what_it_said_itself_is_no_match() -> None:
    assert released(SECRETS, ["lo-98 it is"], "The code is hunter2-Xy") == ""
    assert released(SECRETS, [" is the code"], f"My code {SECRET}") == " is the code"


@given(st.text("abc1", min_size=1, max_size=6), st.text("abc1 ", max_size=24), st.integers(0, 2))
def test_a_pattern_ends_where_the_distance_says(secret: str, text: str, edits: int) -> None:
    pattern = EditPattern(secret, edits)
    states, found = pattern.start, pattern.ends(pattern.start)
    for char in fold(text):
        states = pattern.step(states, char)
        found = found or pattern.ends(states)
    assert found == (edits_to_nearest_part(secret, text) <= edits)


@pytest.mark.parametrize("numbered", ["{}. {}\n", "({}) {} ", "{:03} | {}\n"])
def test_words_of_a_passage_in_a_numbered_list_are_a_near_quote(numbered: str) -> None:
    words = PASSAGE.split()
    text = "".join(numbered.format(number, word) for number, word in enumerate(words, start=1))
    assert longest_near_quote([PASSAGE], text) == len(words)
    assert released(QUOTED, [text]).split()[-1] in ("8.", "(8)", "008", "|")
    assert longest_near_quote([PASSAGE], released(QUOTED, [text])) == 7


def test_a_number_of_a_passage_is_a_word_of_it() -> None:
    passage = "in 1871 the 40 boats left for Port Ember"
    assert longest_near_quote([passage], passage) == 9
    assert longest_near_quote([passage], passage.replace("1871", "1872").replace("40", "41")) == 5


@pytest.mark.parametrize("size", [1, 3, 150, 10_000])
def test_how_much_of_a_very_long_word_has_come_makes_no_difference(size: int) -> None:
    text = (
        "x" * (3 * MAX_WORD_CHARS)
        + "mercy of Lanterns: the "
        + "mercy" * MAX_WORD_CHARS
        + " Lanterns of Mercy: a diary"
    )
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert released(NEAR, pieces) == text.removesuffix("diary")
    number = NearTexts(values=(ValueMatcher.of(["4471-9902"]),))
    text = "4471" + "x" * MAX_WORD_CHARS + "9902 is said"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert released(number, pieces) == text[:MAX_WORD_CHARS]
