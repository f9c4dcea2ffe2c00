"""Names that everybody knows, in all their cases: places, institutions, firms, old works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

from guard.phrases.context import is_inflected_place, is_place
from guard.phrases.scripts.affixes import PREFIXES
from guard.text.lexicon import known_names

# Of their names cases differ in so many letters at the end of each word.
_INFLECTED = frozenset({"ru", "uk", "pl", "el", "de", "tr", "hi"})
_MAX_CASE_ENDING, _MIN_KNOWN_WORDS, _MIN_STEM = 3, 2, 3


def is_known_name(phrase: str, language: str) -> bool:
    """Whether everybody knows what the phrase names, in any of its cases: Don Kichota, Войну и мир."""
    if is_place(phrase) or is_inflected_place(phrase, language):
        return True
    if any(is_place(phrase.removeprefix(prefix)) for prefix in PREFIXES.get(language, ())):
        return True
    words = phrase.casefold().split()
    if language not in _INFLECTED or len(words) < _MIN_KNOWN_WORDS:
        return False
    return any(all(map(_are_forms, words, name)) for name in _known_by_start().get(_start(words), ()))


def _are_forms(first: str, second: str) -> bool:
    """Whether two words differ in their last letters alone."""
    stem = max(_MIN_STEM, max(len(first), len(second)) - _MAX_CASE_ENDING)
    return first == second or (min(len(first), len(second)) >= stem and first[:stem] == second[:stem])


def _start(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word[:_MIN_STEM] for word in words)


@cache
def _known_by_start() -> Mapping[tuple[str, ...], list[list[str]]]:
    found: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for name in known_names():
        words = name.casefold().split()
        if len(words) >= _MIN_KNOWN_WORDS:
            found[_start(words)].append(words)
    return found
