"""Automata with word borders and exemptions, against a plain search."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.matching.automaton import Automaton, Occurrence
from guard.matching.patterns import Exemption, patterns_of
from guard.matching.scanner import Scanner
from guard.text.borders import fold_with_borders
from guard.text.normalise import fold, fold_char

letters = st.sampled_from("abA -\u200b日æ")
texts = st.text(letters, max_size=30)
plain_phrases = st.text("abA -日", max_size=6).filter(fold)
bordered_phrases = st.text("abA -", max_size=5).filter(fold)
words = st.text("abA", min_size=1, max_size=4)
chunks = st.lists(st.integers(0, 40), max_size=8)


class Phrases(NamedTuple):
    plain: list[str]
    bordered: list[str]
    exemptions: list[Exemption]
    within_words: list[str]

    def compile(self) -> Automaton:
        return Automaton.compile(self.plain, self.bordered, self.exemptions, self.within_words)


@st.composite
def phrase_sets(draw: st.DrawFn, exemptions: bool = True) -> Phrases:
    plain = draw(st.lists(plain_phrases, max_size=3))
    bordered = draw(st.lists(bordered_phrases, max_size=3))
    within = draw(st.lists(words, max_size=2))
    known = [*plain, *bordered, *within]
    around = st.builds(
        lambda phrase, before, after, way: Exemption(phrase, before + way(phrase) + after),
        st.sampled_from(known or ["a"]),
        st.text("ab ", max_size=3),
        st.text("ab ", max_size=3),
        st.sampled_from([str, str.upper]),
    )
    return Phrases(plain, bordered, draw(st.lists(around, max_size=2)) if exemptions and known else [], within)


class Symbol(NamedTuple):
    shown: str
    index: int


def plain_reading(text: str) -> list[Symbol]:
    return [Symbol(letter, index) for index, char in enumerate(text) for letter in fold_char(char)]


def bordered_reading(text: str) -> list[Symbol]:
    read = [Symbol(" ", 0)]
    shown = [*((char, index) for index, c in enumerate(text) for char in fold_with_borders(c)), (" ", len(text))]
    read += [Symbol(*each) for each in shown]
    return [one for k, one in enumerate(read) if k == 0 or one.shown != " " or read[k - 1].shown != " "]


def can_overlap(exempt: list[bytes]) -> bool:
    """Whether the beginning of an exempting text may be the end of another, or inside one."""
    return any(
        other[at:].startswith(one[: len(other) - at]) or one in other[at:]
        for one in exempt
        for other in exempt
        for at in range(1, len(other))
    ) or any(one != other and one.startswith(other) for one in exempt for other in exempt)


class Search(NamedTuple):
    """All occurrences, and those not exempt; whether exempting texts can overlap."""

    every: set[Occurrence]
    counted: set[Occurrence]
    overlapping: bool


def search(phrases: Phrases, text: str) -> Search:
    sets = patterns_of(*phrases)
    every, counted, overlapping = set(), set(), False
    for patterns, symbols in zip(sets, (plain_reading(text), bordered_reading(text)), strict=True):
        shown = "".join(symbol.shown for symbol in symbols)
        spans = {
            (at, at + len(longer.decode()), numbers)
            for longer, numbers in patterns.exempt.items()
            for at in range(len(shown))
            if shown.startswith(longer.decode(), at)
        }
        overlapping |= can_overlap(list(patterns.exempt))
        for spelt, number in patterns.phrases.items():
            for at in range(len(shown)):
                if not shown.startswith(spelt.decode(), at):
                    continue
                end = at + len(spelt.decode())
                inner = [symbol.index for symbol in symbols[at:end] if symbol.shown != " "]
                found = Occurrence(number, inner[0], inner[-1] + 1)
                every.add(found)
                if not any(a <= at and end <= b and number in numbers for a, b, numbers in spans):
                    counted.add(found)
    return Search(every, counted, overlapping)


@settings(max_examples=300)
@given(phrase_sets(exemptions=False), texts)
def test_bordered_and_plain_matches_are_those_of_a_plain_search(phrases: Phrases, text: str) -> None:
    found = phrases.compile().matches(text)
    assert set(found) == search(phrases, text).every
    assert [(one.end, one.start) for one in found] == sorted((one.end, one.start) for one in found)


@settings(max_examples=500)
@given(phrase_sets(), texts)
def test_a_phrase_counts_unless_it_is_inside_a_text_that_exempts_it(phrases: Phrases, text: str) -> None:
    found, expected = set(phrases.compile().matches(text)), search(phrases, text)
    assert found <= expected.every
    assert bool(found) >= bool(expected.counted)
    if not expected.overlapping:
        assert bool(found) == bool(expected.counted)
        assert found <= expected.counted


def scan(automata: list[Automaton], parts: list[str], seed: str = "") -> tuple[str, bool]:
    scanner = Scanner(automata, seed)
    released = "".join([*map(scanner.feed, parts), scanner.finish()])
    return released, scanner.matched


def cut(text: str, at: list[int]) -> list[str]:
    cuts = sorted(min(one, len(text)) for one in at)
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@settings(max_examples=300)
@given(phrase_sets(), phrase_sets(), texts, texts, chunks)
def test_chunks_do_not_change_what_is_released(
    one: Phrases, other: Phrases, seed: str, text: str, at: list[int]
) -> None:
    automata = [one.compile(), other.compile()]
    whole = scan(automata, [text], seed)
    assert scan(automata, cut(text, at), seed) == whole == scan(automata, list(text), seed)


@settings(max_examples=300)
@given(phrase_sets(), texts)
def test_no_phrase_is_ever_released(phrases: Phrases, text: str) -> None:
    automaton = phrases.compile()
    # Another word, so that the text does not end inside a phrase.
    text += " zz"
    released, matched = scan([automaton], [text])
    assert text.startswith(released)
    assert matched == bool(automaton.matches(text))
    assert matched or released == text
    assert not any(one.end <= len(released) for one in search(phrases, text).counted)


@settings(max_examples=300)
@given(st.lists(bordered_phrases, max_size=2), texts, texts)
def test_a_phrase_may_begin_in_the_seed_but_not_end_there(bordered: list[str], seed: str, text: str) -> None:
    phrases = Phrases([], bordered, [], [])
    text += " zz"
    _, matched = scan([phrases.compile()], [text], seed)
    ending_later = [one for one in search(phrases, seed + text).every if one.end > len(seed)]
    # A seed that ends in a phrase is taken for its end: the text goes on as after a border.
    if not any(fold_with_borders(seed[one.end :]) == "" for one in search(phrases, seed).every):
        assert matched == bool(ending_later)


@settings(max_examples=100)
@given(phrase_sets(), texts)
def test_what_is_attached_is_what_was_saved(tmp_path_factory, phrases: Phrases, text: str) -> None:
    folder = tmp_path_factory.mktemp("policy")
    saved = phrases.compile()
    saved.save(folder)
    attached = Automaton.attach(folder, saved.digest)
    assert attached.matches(text) == saved.matches(text)
    assert (attached.bordered is None) == (saved.bordered is None)


def test_what_only_the_next_character_decides_is_held_back_and_the_end_decides_too() -> None:
    automata = [Automaton.compile([], ["Eve"], [Exemption("Eve", "Eve Online")])]
    scanner = Scanner(automata)
    assert [scanner.feed(part) for part in ("I saw ", "Ev", "e", "n Eve", " On", "line", ".")] == [
        "I saw ",
        "",
        "",
        "Even ",
        "",
        "",
        "Eve Online.",
    ]
    assert scan(automata, ["I saw Eve"]) == scan(automata, ["I saw Eve", ", and"]) == ("I saw ", True)
    assert scan(automata, ["I saw Eve Onl"]) == ("I saw ", True)
    assert scan(automata, ["I saw Eve Online"]) == ("I saw Eve Online", False)
    assert scan(automata, [" is here"], "Where is Eve") == (" is here", False)
    assert scan(automata, ["e?"], "Where is Ev") == ("", True)


def found(text: str, plain: list[str], bordered: list[str], *exempt: tuple[str, str]) -> list[str]:
    automaton = Automaton.compile(plain, bordered, [Exemption(*one) for one in exempt])
    return [text[one.start : one.end] for one in automaton.matches(text)]


def test_short_names_are_found_between_borders_only() -> None:
    text = "Eve never believed that every evening Steve, Evelyn or eVE's friend would say E.v.e. (éve)"
    assert found(text, [], ["Eve"]) == ["Eve", "eVE", "E.v.e", "éve"]
    assert found("Carolina sat with Angelina; Li  Na, li-na and LINA did not; L i n a", [], ["Li Na"]) == [
        "Li  Na",
        "li-na",
        "LINA",
        "L i n a",
    ]
    assert found("a desk in Paris, of Des Kin", [], ["Des Kin"]) == ["Des Kin"]
    assert found("an evening with Eve Ning", [], ["Eve Ning"]) == ["Eve Ning"]
    assert found("E\u200bve and E\u0301ve, Eve2 and Eveさん", [], ["Eve"]) == [
        "E\u200bve",
        "E\u0301ve",
        "Eve",
        "Eve",
    ]


def test_a_name_within_words_is_found_in_any_word_but_not_across_two() -> None:
    def found_within(text: str, *exempt: tuple[str, str]) -> list[str]:
        automaton = Automaton.compile([], ["Eve"], [Exemption(*one) for one in exempt], ["Aysha"])
        return [text[one.start : one.end] for one in automaton.matches(text)]

    assert found_within("You may share; Ayshaly, AyshaAysha and my aysha's") == [
        "Aysha",
        "Aysha",
        "Aysha",
        "aysha",
    ]
    assert found_within("A.y.s.h.a, A Y S H A; Ay sha, Ay-sha") == ["A.y.s.h.a", "A Y S H A"]
    assert found_within("in Ayshaland, with Aysha", ("Aysha", "Ayshaland")) == ["Aysha"]
    scanner = Scanner([Automaton.compile([], ["Eve"], [], ["Aysha"])])
    parts = ["I m", "ay", " share", " this, hey", "say", "sh"]
    assert [scanner.feed(part) for part in parts] == ["I m", "", "ay share", " this, hey", "s", ""]
    assert (scanner.feed("a"), scanner.matched) == ("", True)


def test_a_phrase_in_a_longer_text_that_allows_it_does_not_count() -> None:
    inn = ("Salt Road", "The Salt Road Inn")
    assert found("at the salt-road inn", ["Salt Road"], [], inn) == []
    assert found("at the salt road. Innkeepers", ["Salt Road"], [], inn) == []
    assert found("at the Salt Road itself, a Salt Road Inn", ["Salt Road"], [], inn) == ["Salt Road"] * 2
    assert found("the Salt Road", ["Salt Road"], [], inn) == ["Salt Road"]
    eve = ("Eve", "Eve Online")
    assert found("I play Eve Online.", [], ["Eve"], eve) == []
    assert found("I play Eve, Eve Onliner and Eve", [], ["Eve"], eve) == ["Eve", "Eve", "Eve"]
    assert found("Eve ", [], ["Eve"], eve) == ["Eve"]


def test_a_phrase_said_twice_counts_where_the_text_that_exempts_it_does_not_follow() -> None:
    assert found("bb zz", ["b"], [], ("b", "ba")) == ["b", "b"]
    assert found("bba zz", ["b"], [], ("b", "ba")) == ["b"]


def test_only_the_named_phrase_is_allowed_in_the_longer_text() -> None:
    exempt = ("Salt Road", "The Salt Road Inn")
    assert found("The Salt Road Inn", ["Salt Road", "Road Inn"], [], exempt) == ["Road Inn"]


def test_equal_phrases_with_other_borders_or_exemptions_have_other_digests() -> None:
    made = [
        Automaton.compile(["Eve"]),
        Automaton.compile([], ["Eve"]),
        Automaton.compile([], ["Eve"], [Exemption("Eve", "Eve Online")]),
        Automaton.compile(["Eve"], [], [Exemption("Eve", "Eve Online")]),
    ]
    assert len({one.digest for one in made}) == 4
    assert Automaton.compile(["Eve"], [], [Exemption("Eve", "Adam")]).digest == made[0].digest


def test_the_file_of_bordered_phrases_is_private_like_any(tmp_path: Path) -> None:
    path = Automaton.compile([], ["Eve"]).save(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
