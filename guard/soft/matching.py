"""What soft matching makes of a target: a bias for words of one token, phrases for words of more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.decoding.vocabulary import Vocabulary
from guard.detection.embedder import Embedder, Vectors
from guard.soft.bias import DELTA, Bias, bias_of, closeness
from guard.soft.vectors import Progress, vectors_of
from guard.targets.target import ForgetTarget
from guard.text.english import common_words, inside_another_common_word, is_stop
from guard.text.normalise import fold
from guard.text.words import words_of

_LEAST_LETTERS = 3
_MOST_WORDS = 4


class Soft(NamedTuple):
    """The bias of a target, and the words of more than one token that mean what it forbids."""

    bias: Bias
    words: tuple[str, ...]


class SoftMatching:
    """Matches targets with the words of one vocabulary and of English, by their embeddings.

    The first use embeds both, which are kept in `folder` by tokenizer and embedder: minutes for a large
    vocabulary. Only tokens that begin a word are matched: a piece of one means nothing by itself. Without a
    vocabulary, as of an engine elsewhere, there is no bias, and all words of English are matched as words.
    """

    def __init__(
        self, vocabulary: Vocabulary | None, embedder: Embedder, folder: Path, progress: Progress | None = None
    ) -> None:
        self._embedder = embedder
        shown = word_tokens(vocabulary) if vocabulary else {}
        self._tokens = np.array(list(shown), np.int64)
        whole = {text.lower() for text in shown.values()}
        self._lexicon = [w for w in common_words() if w not in whole and not inside_another_common_word(w)]
        self._vectors = vectors_of(list(shown.values()), embedder, folder, progress)
        self._lexicon_vectors = vectors_of(self._lexicon, embedder, folder, progress)

    def of(self, target: ForgetTarget, delta: float = DELTA) -> Soft:
        """Return what to match softly for `target`: its forbidden phrases of a few words, not its numbers."""
        forbidden = self._embedder.embed(meanings(target.forbidden))
        close = closeness(self._lexicon_vectors, forbidden)
        excepted = {fold(exception) for exception in target.draft.exceptions}
        near = (word for word, c in zip(self._lexicon, close, strict=True) if c >= delta)
        words = tuple(word for word in near if fold(word) not in excepted)
        return Soft(bias_of(self._tokens, self._of_tokens(forbidden), delta), words)

    def _of_tokens(self, forbidden: Vectors) -> NDArray[np.float32]:
        return closeness(self._vectors, forbidden)


def word_tokens(vocabulary: Vocabulary) -> dict[int, str]:
    """Return by id the text of each token that begins a word and means something: letters, no stop word."""
    shown: dict[int, str] = {}
    for token, data in enumerate(vocabulary.tokens):
        text = data.decode("utf-8", "replace")
        word = text[1:]
        if text[:1] == " " and word.isalpha() and len(word) >= _LEAST_LETTERS and not is_stop(word):
            shown[token] = word
    return shown


def meanings(phrases: Sequence[str]) -> list[str]:
    """Return the phrases that have a meaning to come near to: a few words, with letters."""
    short = (phrase for phrase in phrases if len(words_of(phrase)) <= _MOST_WORDS)
    return [phrase for phrase in short if sum(char.isalpha() for char in phrase) >= _LEAST_LETTERS]
