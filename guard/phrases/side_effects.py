"""Which common words a forbidden phrase forbids as well: a short name that is one of them, or inside one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

from guard.text.borders import needs_border
from guard.text.lexicon import ranks
from guard.text.normalise import fold

MAX_EXAMPLES = 5
# In folded characters: no longer phrase is in common words.
_MAX_CHARS = 14


@dataclass(frozen=True, slots=True)
class SideEffect:
    """A phrase, how many common words cannot be said because of it, and the commonest of them."""

    phrase: str = field(repr=False)
    words: int
    examples: tuple[str, ...] = field(repr=False)


def side_effects(phrases: Iterable[str], language: str) -> Iterator[SideEffect]:
    """Yield the phrases that forbid common words of `language` or of English as well.

    A phrase that is matched between word borders forbids only the words that fold like it.
    """
    for phrase in phrases:
        folded = fold(phrase)
        if 0 < len(folded) <= _MAX_CHARS:
            whole = needs_border(phrase)
            words = dict.fromkeys(w for code in (language, "en") for w in _containing(folded, whole, code))
            if words:
                yield SideEffect(phrase, len(words), tuple(words)[:MAX_EXAMPLES])


def _containing(folded: str, whole: bool, language: str) -> Iterator[str]:
    text, words = _folded_words(language)
    sought = f"\n{folded}\n" if whole else folded
    at = text.find(sought)
    while at >= 0:
        index = text.count("\n", 0, at + 1) - 1
        yield words[index]
        at = text.find(sought, text.index("\n", at + 1))


@cache
def _folded_words(language: str) -> tuple[str, tuple[str, ...]]:
    """Return the common words folded, each between line ends, and as they are, both commonest first."""
    words = tuple(ranks(language))
    return "\n" + "".join(f"{fold(word)}\n" for word in words), words
