"""Parts of titles and other long phrases: main title, subtitle, and what is left when one word is changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from guard.text.english import is_stop
from guard.text.language import language_of
from guard.text.words import Word, words_of
from guard.variants.frequency import content_words, is_ordinary, is_rare_name
from guard.variants.variant import Variant, VariantKind

MIN_CONTENT_WORDS = 4
MIN_RUN_WORDS = 3
MIN_NAME_RUN_WORDS = 4
MIN_MAIN_WORDS = 2
MAX_TITLE_CHARS = 400
# In a phrase of more content words, each window says enough already.
MAX_CONTENT_WORDS = 24
# Definite ones, which people leave out; after others what is left is too often ordinary text.
_ARTICLE = re.compile(r"(?:the|der|die|das|l[ae]s?|el|los|il|lo|gli|het|os|as) (?=\W*[^\W\d_])", re.IGNORECASE)
_PARTS = re.compile(r"\s*[:;(—–]\s*|\s+-\s+")


def title_variants(title: str, wide: bool, is_name: bool = False) -> Iterator[Variant]:
    """Yield the parts of a title that tell of it: main title and subtitle alone, the main title without its
    article, then the title with one word amiss.

    Of k content words, MIN_CONTENT_WORDS or more, whichever is left out or replaced, half of the others or more
    follow each other. So every window of k // 2 words is a variant, but of MIN_RUN_WORDS at least, and of two only
    where both are rare, or wide; and so is the title without one of its words. Ordinary text never is. Of a long
    name, which may have the name of something known in it, windows have three fifths of the words, and four at
    least.
    """
    if len(title) > MAX_TITLE_CHARS:
        return
    language = language_of(title)
    main, *subtitles = _PARTS.split(title)
    if (
        subtitles
        and len(content_words(main)) >= MIN_MAIN_WORDS
        and not is_ordinary(main, language, MIN_MAIN_WORDS)
    ):
        yield Variant(main, VariantKind.TITLE_PART)
    for part in subtitles:
        if len(content_words(part)) >= MIN_MAIN_WORDS and not is_ordinary(part, language):
            yield Variant(part.strip(" )."), VariantKind.TITLE_PART)
    if bare := _without_article(main, language):
        yield Variant(bare, VariantKind.TITLE_PART)
    words = words_of(title)
    content = [word for word in words if not is_stop(word.text)]
    if not MIN_CONTENT_WORDS <= len(content) <= MAX_CONTENT_WORDS:
        return
    if is_name:
        windows = _windows(title, content, max(MIN_NAME_RUN_WORDS, -(-3 * len(content) // 5)))
    else:
        windows = _windows(title, content, max(2 if wide else MIN_RUN_WORDS, len(content) // 2))
    for text in (*windows, *_rare_pairs(title, content), *_without_one(title, content)):
        if not is_ordinary(text, language):
            yield Variant(text, VariantKind.TITLE_PART)


def _without_article(title: str, language: str) -> str:
    """Return the title without its article; empty if there is none or ordinary text is left."""
    bare = _ARTICLE.sub("", title, count=1)
    tells = len(content_words(bare)) >= MIN_MAIN_WORDS and not is_ordinary(bare, language, MIN_MAIN_WORDS)
    return bare if _ARTICLE.match(title) and tells else ""


def _windows(title: str, content: list[Word], length: int) -> Iterator[str]:
    for first, last in zip(content, content[length - 1 :], strict=False):
        yield title[first.start : last.end]


def _rare_pairs(title: str, content: list[Word]) -> Iterator[str]:
    if len(content) < 2 * MIN_RUN_WORDS:
        # With a word in the middle replaced, only two in a row are left.
        for first, last in pairwise(content):
            if is_rare_name(first.text) and is_rare_name(last.text):
                yield title[first.start : last.end]


def _without_one(title: str, content: list[Word]) -> Iterator[str]:
    for index, word in enumerate(content):
        rest = content[:index] + content[index + 1 :]
        left = title[rest[0].start : word.start] if rest[0].start < word.start else ""
        right = title[word.end : rest[-1].end] if rest[-1].end > word.end else ""
        # What a window has already is left to it.
        if left and right and len(content) < 2 * MIN_RUN_WORDS:
            yield f"{left.rstrip()} {right.lstrip()}"
        elif not (left and right):
            yield left or title[rest[0].start : rest[-1].end]
