"""Names: runs of capitalised words, and acronyms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.phrases.phrase import Phrase, PhraseKind
from guard.phrases.titles import QUOTED
from guard.text.english import is_common, is_stop
from guard.text.words import Word, words_of

_MAX_NAME_WORDS = 8

_ACRONYM = re.compile(r"(?<!\w)[A-Z][A-Z0-9]*(?:[&./-][A-Z0-9]+)*(?![a-z])")
_PARTICLES = frozenset(
    {"de", "del", "della", "der", "den", "des", "di", "da", "do", "dos", "du", "la", "le", "van", "von", "zu"}
    | {"ter", "bin", "ibn", "al", "el", "of", "for", "the"}
)
_ABBREVIATED = frozenset({"St", "Dr", "Mr", "Ms", "Mrs", "Prof", "Jr", "Sr"})
_SENTENCE_END = re.compile(r"[.!?:;]['\"”’)]*\s*$|\n\s*$")


def acronyms(text: str) -> Iterator[Phrase]:
    """Yield words of capital letters, two letters at least."""
    found = (match[0] for match in _ACRONYM.finditer(text))
    return (Phrase(word, PhraseKind.ACRONYM, "acronym") for word in found if sum(map(str.isalpha, word)) > 1)


def names(text: str) -> Iterator[Phrase]:
    """Yield the names in `text`, whole, and their parts that are no common words."""
    unquoted = QUOTED.sub(lambda match: ";" * len(match[0]), text)
    for run in _capitalised_runs(unquoted):
        if len(run) > 1:
            yield Phrase(text[run[0].start : run[-1].end], PhraseKind.NAME, "name of several words")
        rare = [word.text for word in run if word.text[0].isupper() and not is_common(word.text)]
        kind, why = (PhraseKind.PART, "part of a name") if len(run) > 1 else (PhraseKind.NAME, "name of one word")
        yield from (Phrase(word, kind, why) for word in rare)


def _capitalised_runs(text: str) -> Iterator[list[Word]]:
    """Yield runs of capitalised words, with particles inside, trimmed of words at either end that are no name."""
    run: list[Word] = []
    for word in words_of(text):
        if run and not _continues(text[run[-1].end : word.start], run[-1].text, word.text):
            yield from _trimmed(text, run)
            run = []
        if run or word.text[0].isupper():
            run.append(word)
    yield from _trimmed(text, run)


def _continues(gap: str, before: str, word: str) -> bool:
    joined = gap in (" ", "/", " & ") or (gap == ". " and (len(before) == 1 or before in _ABBREVIATED))
    return joined and (word[0].isupper() or word in _PARTICLES)


def _trimmed(text: str, run: list[Word]) -> Iterator[list[Word]]:
    if run and is_common(run[0].text) and _opens_sentence(text, run[0].start):
        rest = run[1:]
        if not rest or rest[0].text in _PARTICLES or not all(is_common(word.text) for word in rest):
            run = rest
    start, end = 0, len(run)
    while start < end and is_stop(run[start].text):
        start += 1
    while start < end and (is_stop(run[end - 1].text) or run[end - 1].text in _PARTICLES):
        end -= 1
    if 1 <= end - start <= _MAX_NAME_WORDS:
        yield run[start:end]


def _opens_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 8) : start]
    return (start <= 8 and not before.strip()) or _SENTENCE_END.search(before) is not None
