from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.matching.automaton import Automaton
from guard.matching.scanner import Scanner
from guard.text.normalise import fold

letters = st.sampled_from("abcAß日 -\u200b")
texts = st.text(letters, max_size=40)
phrase_lists = st.lists(st.text(letters, max_size=6).filter(fold), max_size=5)
automata = st.lists(phrase_lists, max_size=3)


def scan(phrases: list[list[str]], chunks: list[str], seed: str = "") -> tuple[str, bool]:
    scanner = Scanner([Automaton.compile(p) for p in phrases], seed)
    released = "".join([*map(scanner.feed, chunks), scanner.finish()])
    return released, scanner.matched


def matches(phrases: list[list[str]], text: str, seed: str = "") -> bool:
    """Is there a phrase that ends after the seed?"""
    before, whole = fold(seed), fold(seed + text)
    flat = [fold(phrase) for some in phrases for phrase in some]
    return any(whole.find(p, max(0, len(before) - len(p) + 1)) >= 0 for p in flat)


@given(automata, texts, texts, st.data())
def test_chunks_do_not_change_what_is_released(
    phrases: list[list[str]], seed: str, text: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert scan(phrases, chunks, seed) == scan(phrases, [text], seed) == scan(phrases, list(text), seed)


@given(automata, texts, texts)
def test_no_phrase_is_ever_released(phrases: list[list[str]], seed: str, text: str) -> None:
    released, matched = scan(phrases, [text], seed)
    assert text.startswith(released)
    assert not matches(phrases, released, seed)
    assert matched == matches(phrases, text, seed)
    assert matched or released == text


@given(automata, texts)
def test_held_back_is_only_a_match_in_progress(phrases: list[list[str]], text: str) -> None:
    scanner = Scanner([Automaton.compile(p) for p in phrases])
    released = "".join(map(scanner.feed, text))
    if scanner.matched:
        return
    beginnings = {fold(p)[:k].encode() for some in phrases for p in some for k in range(1, len(p) * 2)}
    folded = fold(text).encode()
    pending = max((len(b) for b in beginnings if folded.endswith(b)), default=0)
    assert len(fold(text[len(released) :]).encode()) - pending in (0, 1)
    assert not pending or fold(text[len(released)])


def test_text_leaves_at_once_when_nothing_is_in_progress() -> None:
    scanner = Scanner([Automaton.compile(["Basil Romerto"])])
    assert scanner.feed("I met ") == "I met "
    assert scanner.feed("Bas") == ""
    assert scanner.feed("il - ") == ""
    assert scanner.feed("the leaf") == "Basil - the leaf"
    assert scanner.feed(" of ba") == " of "
    assert scanner.finish() == "ba"
    assert not scanner.matched


def test_a_phrase_ends_the_text_before_its_first_character() -> None:
    scanner = Scanner([Automaton.compile(["Basil Romerto"])])
    assert scanner.feed("I met Basil Ro") == "I met "
    assert scanner.feed("merto yesterday") == ""
    assert scanner.matched
    assert scanner.feed("and more") == scanner.finish() == ""


def test_what_stood_before_a_shorter_phrase_inside_a_longer_one_leaves() -> None:
    assert scan([["Saint Basil Romerto", "basil"]], list("Saint Basil was")) == ("Saint ", True)


def test_of_several_automata_the_first_match_counts() -> None:
    assert scan([["Romerto"], ["met Basil"]], ["I met Basil Romerto"]) == ("I ", True)
    assert scan([["Basil Romerto"], ["Romerto"]], ["I met Basil Romerto"]) == ("I met ", True)


def test_a_phrase_may_begin_in_the_seed_but_not_end_there() -> None:
    phrases = [["Basil Romerto"]]
    assert scan(phrases, ["merto it is"], seed="He is Basil Ro") == ("", True)
    assert scan(phrases, ["mance"], seed="He is Basil Ro") == ("mance", False)
    assert scan(phrases, [", then"], seed="He is Basil Romerto") == (", then", False)
    assert scan(phrases, [" Basil Romerto"], seed="He is Basil Romerto") == (" ", True)


def test_without_automata_everything_passes() -> None:
    assert scan([], ["any", "thing"]) == ("anything", False)
