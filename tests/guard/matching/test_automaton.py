from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.errors import InvalidTarget, PolicyUnavailable
from guard.matching.automaton import Automaton, Occurrence
from guard.matching.patterns import MAX_PHRASE_BYTES, folded_phrases
from guard.text.normalise import fold, fold_char

# Few letters, so that phrases overlap, nest and share suffixes; two are of several bytes or fold to several.
letters = st.sampled_from("abAß日 -")
texts = st.text(letters, max_size=30)
phrase_lists = st.lists(st.text(letters, max_size=6).filter(fold), max_size=8)


def found_by_search(phrases: list[str], text: str) -> set[Occurrence]:
    shown = [(letter, position) for position, char in enumerate(text) for letter in fold_char(char)]
    folded = "".join(letter for letter, _ in shown)
    return {
        Occurrence(rank, shown[at][1], shown[at + len(phrase) - 1][1] + 1)
        for rank, phrase in enumerate(folded_phrases(phrases))
        for at in range(len(folded))
        if folded.startswith(phrase, at)
    }


@given(phrase_lists, texts)
def test_matches_are_those_of_a_plain_search(phrases: list[str], text: str) -> None:
    matches = Automaton.compile(phrases).matches(text)
    assert set(matches) == found_by_search(phrases, text)
    assert [m.end for m in matches] == sorted(m.end for m in matches)


@given(phrase_lists, texts)
def test_a_state_knows_the_longest_phrase_beginning_that_ends_the_text(phrases: list[str], text: str) -> None:
    automaton, folded = Automaton.compile(phrases), fold(text).encode()
    beginnings = {fold(phrase).encode()[:k] for phrase in phrases for k in range(MAX_PHRASE_BYTES)[:40]}
    state = automaton.feed(0, text)
    assert automaton.depth[state] == max((len(b) for b in beginnings if folded.endswith(b)), default=0)
    assert automaton.accepting[state] == any(folded.endswith(fold(p).encode()) for p in phrases)


@given(phrase_lists, texts, st.data())
def test_a_state_depends_on_no_more_than_the_depth(phrases: list[str], text: str, data: st.DataObject) -> None:
    automaton, folded = Automaton.compile(phrases), fold(text).encode()
    extra = data.draw(st.integers(0, 5))
    tail = folded[max(0, len(folded) - automaton.max_depth - extra) :]
    assert automaton.run(0, tail) == automaton.run(0, folded)


@settings(max_examples=25)
@given(phrase_lists, st.randoms())
def test_the_digest_is_of_the_folded_set(phrases: list[str], random) -> None:
    spelt = [phrase.upper() + " " for phrase in phrases] + phrases
    random.shuffle(spelt)
    a, b = Automaton.compile(phrases), Automaton.compile(spelt)
    assert a.digest == b.digest
    assert all(map(np.array_equal, a.arrays.arrays, b.arrays.arrays))
    assert Automaton.compile([*phrases, "other"]).digest != a.digest


def test_feeding_text_is_stepping_through_its_characters() -> None:
    automaton = Automaton.compile(["Basil Romerto", "日本"])
    state = 0
    for char in "xx Basil—Rom":
        state = automaton.step(state, char)
    assert state == automaton.feed(0, "xx Basil—Rom") == automaton.feed(0, "basil rom") != 0


def test_without_phrases_nothing_matches() -> None:
    automaton = Automaton.compile([])
    assert (len(automaton), automaton.max_depth, automaton.matches("anything")) == (1, 0, [])


@pytest.mark.parametrize("phrase", ["", " ", "—!—", "\u200b", "x" * (MAX_PHRASE_BYTES + 1)])
def test_a_phrase_that_cannot_be_matched_is_refused(phrase: str) -> None:
    with pytest.raises(InvalidTarget) as caught:
        Automaton.compile(["fine", phrase])
    assert caught.value.field == "phrases"


def test_the_longest_phrase_allowed_fits_the_depths() -> None:
    assert folded_phrases(["x" * MAX_PHRASE_BYTES]) == ["x" * MAX_PHRASE_BYTES]
    assert np.iinfo(Automaton.compile(["x"]).depth.dtype).max >= MAX_PHRASE_BYTES


def test_what_is_attached_is_what_was_saved(tmp_path: Path) -> None:
    saved = Automaton.compile(["Basil", "basilica", "silica", "日本"])
    path = saved.save(tmp_path)
    assert path == tmp_path / f"{saved.digest}.automaton"
    attached = Automaton.attach(tmp_path, saved.digest)
    assert all(map(np.array_equal, attached.arrays.arrays, saved.arrays.arrays))
    assert attached.matches("a Basilica in 日本") == saved.matches("a Basilica in 日本") != []


def test_saving_again_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    automaton = Automaton.compile(["Basil"])
    automaton.save(tmp_path).write_bytes(b"damaged")
    automaton.save(tmp_path)
    assert Automaton.attach(tmp_path, automaton.digest).matches("basil")
    assert [path.name for path in tmp_path.iterdir()] == [f"{automaton.digest}.automaton"]


def test_a_policy_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnavailable):
        Automaton.attach(tmp_path, "0" * 64)
    with pytest.raises(PolicyUnavailable):
        Automaton.compile(["Basil"]).save(tmp_path / "no such folder")


@settings(max_examples=50)
@given(st.data())
def test_damage_of_any_byte_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("policy")
    automaton = Automaton.compile(["Basil", "silica"])
    path = automaton.save(folder)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "lengthen"])):
        case "flip":
            content[at] ^= data.draw(st.integers(1, 255))
        case "cut":
            del content[at:]
        case "lengthen":
            content += b"\0" * (at + 1)
    path.write_bytes(content)
    with pytest.raises(PolicyUnavailable):
        Automaton.attach(folder, automaton.digest)


def test_another_automaton_under_this_name_is_noticed(tmp_path: Path) -> None:
    a, b = Automaton.compile(["Basil"]), Automaton.compile(["Romerto"])
    a.save(tmp_path).rename(tmp_path / f"{b.digest}.automaton")
    with pytest.raises(PolicyUnavailable):
        Automaton.attach(tmp_path, b.digest)


def test_phrases_never_show_in_a_repr() -> None:
    assert "basil" not in repr(Automaton.compile(["Basil"])).lower()
