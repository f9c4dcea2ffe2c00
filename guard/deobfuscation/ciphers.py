"""Ciphers of a whole text: reversal, also word by word, ROT13, ROT47, Atbash, Caesar's by any shift, Pig Latin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from guard.text.english import is_common
from guard.text.normalise import fold_char

# A text shifted or reversed as a whole is language if this share of its words is common, and more than before.
MIN_COMMON_SHARE = 0.4
# Caesar's shift is sought in the words that are not common.
MAX_SHIFT_WORDS = 48
MAX_NAME_CHARS = 512

# Of the words of a text in Pig Latin, those that end as such.
MIN_PIG_SHARE = 0.5
MIN_PIG_WORDS = 3
_PIG = re.compile(r"\b([^\W\d_]{2,40})ay\b", re.IGNORECASE)
# The consonants that a word of English may begin with, which are moved to its end.
_ONSET = re.compile(
    "(?:[bcdfghjklmnpqrstvwxyz]?qu|sch|scr|shr|sph|spl|spr|str|thr|[bcfgkps]l|[bcdfgkpt]r|[cgprstw]h|[gks]n"
    "|s[ckmptw]|dw|tw|wr|[bcdfghjklmnpqrstvwxyz])$",
    re.IGNORECASE,
)
_MAX_LANGUAGE_CHARS = 1_000
_WORD = re.compile(r"[^\W\d_]+")


def _shift(places: int) -> dict[int, int]:
    return str.maketrans(
        ascii_lowercase + ascii_uppercase,
        ascii_lowercase[places:] + ascii_lowercase[:places] + ascii_uppercase[places:] + ascii_uppercase[:places],
    )


_ROT13 = _shift(13)
_ROT47 = {33 + place: 33 + (place + 47) % 94 for place in range(94)}
_ATBASH = str.maketrans(ascii_lowercase + ascii_uppercase, ascii_lowercase[::-1] + ascii_uppercase[::-1])
# Letters as they look upside down.
_TURNED = str.maketrans("ɐqɔpǝɟƃɥᴉıɾʞlɯuodbɹsʇnʌʍxʎz", "abcdefghiijklmnopqrstuvwxyz")
_TURNED_LETTERS = frozenset("ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ")
_CAESAR = tuple(_shift(places) for places in range(1, 26) if places != 13)


def deciphered(text: str) -> Iterator[str]:
    """Yield `text` under each cipher that may apply to all of it, which may read as language."""
    yield text.translate(_ROT13)
    yield text[::-1]
    if not _TURNED_LETTERS.isdisjoint(text):
        yield text[::-1].translate(_TURNED)
    yield text.translate(_ATBASH)
    yield from from_pig_latin(text)
    odd = uncommon_words(text)[:MAX_SHIFT_WORDS]
    for table in _CAESAR if odd else ():
        common = sum(_is_common(word.translate(table)) for word in odd)
        if common >= 2 and common >= MIN_COMMON_SHARE * len(odd):
            yield text.translate(table)


def from_pig_latin(text: str) -> Iterator[str]:
    """Yield `text` with its words of Pig Latin (isthay) as the words that they stand for, if many are such.

    A word that ends in "way" began with a vowel, or with a w: what is common tells, and a name is read both ways.
    """
    words = len(_WORD.findall(text))
    if words < MIN_PIG_WORDS or len(_PIG.findall(text)) < MIN_PIG_SHARE * words:
        return
    yield _PIG.sub(lambda found: _from_pig(found[1], moved=False), text)
    yield _PIG.sub(lambda found: _from_pig(found[1], moved=True), text)


def _from_pig(body: str, *, moved: bool) -> str:
    onset = _ONSET.search(body)
    consonant = f"{onset[0]}{body[: onset.start()]}" if onset else body
    vowel = body[:-1] if body[-1] in "wyh" else body
    common = next((word for word in (vowel, consonant) if _is_common(word.lower())), "")
    return common or (consonant if moved or vowel == body else vowel)


def shifted_letters(text: str) -> Iterator[str]:
    """Yield ROT47 of `text`, and its first uncommon words under each of Caesar's shifts and each word reversed.

    They may hold a name that is ciphered alone, and are no language.
    """
    yield text.translate(_ROT47)
    words = uncommon_words(text)
    names = " ".join(words)[:MAX_NAME_CHARS]
    if names:
        mirrored = " ".join(word[::-1] for word in words)[:MAX_NAME_CHARS]
        yield " . ".join((*(names.translate(table) for table in _CAESAR), mirrored))


def uncommon_words(text: str) -> list[str]:
    """Return the words at the beginning of `text` that are not common."""
    return [word for word in _WORD.findall(text[:_MAX_LANGUAGE_CHARS]) if len(word) > 1 and not _is_common(word)]


def common_share(text: str) -> float:
    """Return the share of common words at the beginning of the text, read as it looks; 0 for a single one."""
    words = _WORD.findall("".join(fold_char(c) or c for c in text[:_MAX_LANGUAGE_CHARS]))
    common = sum(len(word) > 1 and _is_common(word) for word in words)
    return common / len(words) if common > 1 else 0.0


@lru_cache(maxsize=32_768)
def _is_common(word: str) -> bool:
    return is_common(word)
