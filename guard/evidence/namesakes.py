"""The names that a target shares with namesakes, and the words that tell in a sentence whom it means."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files

from guard.evidence.distinctiveness import folded_words
from guard.targets.target import Draft, ForgetTarget
from guard.text.conversation import UNSPACED
from guard.text.english import is_stop
from guard.text.language import language_of
from guard.text.lexicon import frequent_words
from guard.text.normalise import fold
from guard.text.words import words_of

# In characters, where words are not separated by spaces.
_MAX_CHARS_BETWEEN = 3
_MIN_STEM_CHARS = 4
_MAX_ENDING_CHARS = 3
_MAX_PREFIX_CHARS = 2
_MIN_WORD_CHARS = 2
_ARTICLES = 80
# Between two, they are two.
_AND = frozenset(
    map(fold, "and or with than und oder mit et ou avec y e o con i lub z и или с και ή ve veya ile و أو".split())  # noqa: SIM905
)

_STOPS = ".!?;。！？；؟।\n"
_SENTENCE = re.compile(rf"[^{_STOPS}]*[{_STOPS}]|[^{_STOPS}]+$")
_UNSPACED = re.compile(f"(?![\u1100-\u11ff\uac00-\ud7ff])[{UNSPACED}]")


def sentences(text: str) -> Iterator[str]:
    """Return the sentences of a text, which are all of it."""
    return (match[0] for match in _SENTENCE.finditer(text))


def is_described(target: ForgetTarget, sentence: str) -> bool:
    """Whether at every mention of the target's name, or of a part of it, stands a text that tells whom is meant
    instead."""
    words = folded_words(sentence)
    name = _name_words(target.draft)
    if any(map(_UNSPACED.search, (target.draft.name, *target.draft.aliases))):
        return _is_described_unspaced(target.draft, fold(sentence))
    mentions = [at for at, word in enumerate(words) if any(_is_form(word, own) for own in name)]
    joining = _joining(words, language_of(sentence))
    places = [place for about in target.draft.distinguish for place in _places(about, words)]
    return bool(mentions) and all(
        any(_is_next_to(at, place, mentions, joining) for place in places) for at in mentions
    )


def says_any(target: ForgetTarget, text: str) -> bool:
    """Whether `text` has the words of any text that tells a namesake."""
    words, folded = folded_words(text), fold(text)
    return any(
        any(True for _ in _places(about, words)) or (_UNSPACED.search(about) and fold(about) in folded)
        for about in target.draft.distinguish
    )


def without_name(target: ForgetTarget, sentence: str) -> str:
    """Return `sentence` without the names of the target, their parts and their other endings."""
    names = (target.draft.name, *target.draft.aliases)
    for name in filter(_UNSPACED.search, names):
        sentence = sentence.replace(name, " ")
    own = _name_words(target.draft)
    rest = list(sentence)
    for word in words_of(sentence):
        if all(any(_is_form(part, one) for one in own) for part in folded_words(word.text)):
            rest[word.start : word.end] = " " * (word.end - word.start)
    return "".join(rest)


def contrasts(text: str) -> bool:
    """Whether a text denies, excepts or compares something, in one of 15 languages."""
    words, parts = _contrasts()
    return not words.isdisjoint(folded_words(text)) or any(part in text for part in parts)


@cache
def _contrasts() -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the folded words, and those of scripts without spaces, which are found inside a text."""
    lines = files("guard.evidence").joinpath("contrasts.txt").read_text("utf-8").splitlines()
    words = [word for line in lines if not line.startswith("#") for word in line.split()]
    unspaced = tuple(word for word in words if _UNSPACED.match(word))
    return frozenset(fold(word) for word in words if word not in unspaced), unspaced


def shares_name(target: ForgetTarget, phrase: str) -> bool:
    """Whether a namesake has this phrase of a target: its name, an alias, or a part, form or initial of one."""
    name = _name_words(target.draft)
    words = folded_words(phrase)
    known = {fold(name) for name in (target.draft.name, *target.draft.aliases)}
    return fold(phrase) in known or all(
        len(word) == 1 or any(_is_form(word, own) for own in name) for word in words
    )


@lru_cache(maxsize=1024)
def _name_words(draft: Draft) -> frozenset[str]:
    names = (draft.name, *draft.aliases)
    return frozenset(word for name in names for word in folded_words(name) if len(word) >= _MIN_WORD_CHARS)


def _places(about: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last word of each place where `words` have the content words of a text in a row."""
    sought = _content_words(about)
    span = len(folded_words(about)) + 1
    for start in range(len(words)):
        if not any(_is_form(words[start], one) for one in sought):
            continue
        found = [
            next((at for at in range(start, min(start + span, len(words))) if _is_form(words[at], one)), -1)
            for one in sought
        ]
        if min(found) >= 0:
            yield min(found), max(found)


@lru_cache(maxsize=4096)
def _content_words(about: str) -> tuple[str, ...]:
    words = folded_words(about)
    return tuple(word for word in words if word not in _articles() and not is_stop(word)) or words


@cache
def _articles() -> frozenset[str]:
    return frozenset(fold(word) for words in frequent_words().values() for word in words[:_ARTICLES])


def _is_next_to(at: int, place: tuple[int, int], mentions: Sequence[int], joining: Collection[int]) -> bool:
    """Whether nothing but the name and `joining` words is between a mention and a place, both inclusive."""
    first, last = place
    gap = range(at + 1, first) if at < first else range(last + 1, at)
    return all(word in mentions or word in joining for word in gap)


def _joining(words: Sequence[str], language: str) -> frozenset[int]:
    """Return which words are like "of the": the commonest of a language, without those between two things."""
    common = {fold(word) for code in ("en", language) for word in frequent_words().get(code, ())[:_ARTICLES]}
    return frozenset(at for at, word in enumerate(words) if word in common and word not in _AND)


def _is_form(word: str, sought: str) -> bool:
    """Whether a folded word is `sought`, with another ending or behind a prefix of Hebrew or Arabic."""
    if word == sought:
        return True
    stem = max(_MIN_STEM_CHARS, len(sought) - 2)
    if len(sought) >= _MIN_STEM_CHARS and word[:stem] == sought[:stem]:
        return len(word) <= len(sought) + _MAX_ENDING_CHARS
    return word.endswith(sought) and len(word) - len(sought) <= _MAX_PREFIX_CHARS and not word.isascii()


def _is_described_unspaced(draft: Draft, sentence: str) -> bool:
    """`is_described` of a folded sentence, by characters."""
    names = [folded for name in (draft.name, *draft.aliases) if (folded := fold(name))]
    abouts = [folded for text in draft.distinguish if (folded := fold(text))]
    mentions = [match.span() for name in names for match in re.finditer(re.escape(name), sentence)]
    return bool(mentions) and all(
        any(
            about
            in sentence[max(0, start - len(about) - _MAX_CHARS_BETWEEN) :][
                : end - start + 2 * (len(about) + _MAX_CHARS_BETWEEN)
            ]
            for about in abouts
        )
        for start, end in mentions
    )
