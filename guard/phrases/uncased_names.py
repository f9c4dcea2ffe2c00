"""Names in scripts without capitals: rare words, and what follows a courtesy or the word for a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from guard.phrases.east_asian_names import chinese_names, japanese_names
from guard.phrases.korean_names import korean_names
from guard.phrases.phrase import Phrase
from guard.phrases.spaced_names import spaced_names
from guard.phrases.thai_names import thai_names
from guard.phrases.titles import QUOTED

_RULES: Mapping[str, Callable[[str], Iterator[Phrase]]] = {
    "zh": chinese_names,
    "ja": japanese_names,
    "ko": korean_names,
    "th": thai_names,
}
_SPACED = frozenset({"ar", "fa", "ur", "he", "hi", "bn"})


def uncased_names(text: str, language: str) -> Iterator[Phrase]:
    """Yield the names in `text`, outside of quotation marks; nothing for a language with capitals."""
    if language not in _SPACED and language not in _RULES:
        return
    unquoted = QUOTED.sub(lambda match: ";" * len(match[0]), text)
    if language in _SPACED:
        yield from spaced_names(unquoted, language)
    else:
        yield from _RULES[language](unquoted)
