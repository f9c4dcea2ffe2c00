"""Restrictions of some phrases over two toy vocabularies, and drawn histories of tokens."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton
from guard.text.normalise import fold
from tests.guard.toy_tokenizers import byte_level, sentencepiece

TOYS = {"byte-level": byte_level(), "sentencepiece": sentencepiece()}
VOCABULARIES = {kind: Vocabulary.from_tokenizer(tokenizer) for kind, tokenizer in TOYS.items()}
PHRASES = ["Basil Romerto", "romer", "silica", "日本", "Straße", "ébé", "a-sil ba"]
AUTOMATON = Automaton.compile(PHRASES)
RESTRICTIONS = {kind: Restriction(AUTOMATON, vocabulary) for kind, vocabulary in VOCABULARIES.items()}

# Beginnings of phrases in several disguises, cut where no tokenizer would.
PIECES = [
    "B",
    "ba",
    "Ва",
    "bas",
    "il",
    "SIL",
    "i",
    "c",
    " ",
    "-",
    "\u200b",
    "r",
    "Rо",
    "mer",
    "日",
    "st",
    "ra",
    "é",
    "b",
]

kinds = pytest.mark.parametrize("kind", TOYS)


@st.composite
def histories(draw: st.DrawFn, kind: str) -> list[int]:
    """Token ids of a row: pieces of phrases, any tokens, and characters left unfinished."""
    vocabulary = VOCABULARIES[kind]
    encoded = st.sampled_from(PIECES).map(lambda text: TOYS[kind].encode(text, add_special_tokens=False))
    cut = (
        st.sampled_from("日本éа")
        .map(lambda char: as_bytes(kind, char.encode()))
        .flatmap(lambda tokens: st.integers(0, len(tokens)).map(lambda end: tokens[:end]))
    )
    history: list[int] = []
    for part in draw(
        st.lists(st.one_of(encoded, encoded, cut, st.lists(st.integers(0, 400), max_size=1)), max_size=7)
    ):
        for token in part:
            pending = vocabulary.plain.advance(b"", history).pending
            if token not in vocabulary.ill_formed(pending):
                history.append(token)
    return history


def as_bytes(kind: str, data: bytes) -> list[int]:
    return [VOCABULARIES[kind].tokens.index(bytes([byte])) for byte in data]


def shown(kind: str, history: list[int]) -> str:
    return fold(TOYS[kind].decode(history, skip_special_tokens=True))


def completes(before: str, after: str) -> bool:
    folded = map(fold, PHRASES)
    return any(after.find(phrase, max(0, len(before) - len(phrase) + 1)) >= 0 for phrase in folded)
