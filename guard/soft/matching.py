"""Soft matching of a target: a bias for words of one token, phrases for words of several tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.decoding.vocabulary import Vocabulary
from guard.detection.embedder import Embedder, Vectors
from guard.soft.bias import PRUNE_COSINE, Bias, bias_of, closeness
from guard.soft.vectors import EmbeddingProgress, vectors_of
from guard.targets.target import ForgetTarget
from guard.text.english import common_words, inside_another_common_word, is_stop
from guard.text.normalise import fold
from guard.text.words import words_of

_MIN_LETTERS = 3
_MAX_PHRASE_WORDS = 4


class SoftMatch(NamedTuple):
    """The bias of a target, and the words of more than one token whose meaning is close to what it forbids."""

    bias: Bias
    words: tuple[str, ...]


class SoftMatching:
    """Matches targets with the words of one vocabulary and of English, by their embeddings.

    The first use embeds both, which takes minutes for a large vocabulary; vectors are kept in `folder` by
    tokenizer and embedder. Only tokens that are a whole word are matched: a piece of one means nothing by itself.
    Without a vocabulary, as with a remote engine, there is no bias, and all words of English are matched as
    words.
    """

    def __init__(
        self,
        vocabulary: Vocabulary | None,
        embedder: Embedder,
        folder: Path,
        progress: EmbeddingProgress | None = None,
    ) -> None:
        self._embedder = embedder
        shown = word_tokens(vocabulary) if vocabulary else {}
        self._tokens = np.array(list(shown), np.int64)
        whole = {text.lower() for text in shown.values()}
        self._lexicon = [w for w in common_words() if w not in whole and not inside_another_common_word(w)]
        self._vectors = vectors_of(list(shown.values()), embedder, folder, progress)
        self._lexicon_vectors = vectors_of(self._lexicon, embedder, folder, progress)

    def match(self, target: ForgetTarget, delta: float = PRUNE_COSINE) -> SoftMatch:
        """Return the soft match of `target`, of its forbidden phrases of a few words with letters."""
        forbidden = self._embedder.embed(meaningful_phrases(target.forbidden))
        close = closeness(self._lexicon_vectors, forbidden)
        excepted = {fold(exception) for exception in target.draft.exceptions}
        near = (word for word, c in zip(self._lexicon, close, strict=True) if c >= delta)
        words = tuple(word for word in near if fold(word) not in excepted)
        return SoftMatch(bias_of(self._tokens, self._token_closeness(forbidden), delta), words)

    def _token_closeness(self, forbidden: Vectors) -> NDArray[np.float32]:
        return closeness(self._vectors, forbidden)


def word_tokens(vocabulary: Vocabulary) -> dict[int, str]:
    """Return by id the text of each token that is a word with a meaning: letters only, no stop word."""
    shown: dict[int, str] = {}
    for token, data in enumerate(vocabulary.tokens):
        text = data.decode("utf-8", "replace")
        word = text[1:]
        if text[:1] == " " and word.isalpha() and len(word) >= _MIN_LETTERS and not is_stop(word):
            shown[token] = word
    return shown


def meaningful_phrases(phrases: Sequence[str]) -> list[str]:
    """Return the phrases with a meaning that words can be close to: a few words, with letters."""
    short = (phrase for phrase in phrases if len(words_of(phrase)) <= _MAX_PHRASE_WORDS)
    return [phrase for phrase in short if sum(char.isalpha() for char in phrase) >= _MIN_LETTERS]
