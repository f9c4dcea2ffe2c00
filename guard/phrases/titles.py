"""Titles of works: what stands in quotation marks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guard.phrases.phrase import Phrase, PhraseKind
from guard.text.words import words_of

QUOTED = re.compile(
    r"“([^“”\n]{2,160})”|‘((?:[^‘’\n]|’(?=\w)){2,160})’|«([^«»\n]{2,160})»|[「『《]([^「『《」』》\n]{2,160})[」』》]"
    r'|"([^"\n]{2,160})"'
    r"|(?<!\w)'(?=\S)((?:[^'\n]|'(?=\w)){2,160})(?<=\S)'(?!\w)"
)


def titles(text: str) -> Iterator[Phrase]:
    """Yield what `text` quotes, and its main title where a subtitle follows."""
    for match in QUOTED.finditer(text):
        title = next(filter(None, match.groups())).strip(" ,.;:!?")
        yield Phrase(title, PhraseKind.TITLE, "title in quotation marks")
        main = re.split(r"[:(]| [-–—] ", title, maxsplit=1)[0].strip(" ,.;")
        if len(words_of(main)) > 1:
            yield Phrase(main, PhraseKind.TITLE, "main title without its subtitle")
