"""Spellings of a phrase that do not fold alike, such as those with German and Nordic letters written out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from unicodedata import normalize

from guard.text.english import is_common
from guard.text.normalise import ascii_digits, fold

# Words with such letters are combined freely up to this many texts; beyond it, all words are written one way.
MAX_COMBINATIONS = 16
# A single word of fewer folded letters would be found in other words once a letter of it is dropped.
MIN_SHORTENED_CHARS = 4
# A number of fewer digits, or a code of fewer than twice as many characters, would be found in words once its zero
# is an o.
MIN_DIGITS = 3

_WRITTEN_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "đ": "dj"}
_WRITTEN_OUT |= {letter.upper(): pair.capitalize() for letter, pair in _WRITTEN_OUT.items()}
_TO_PAIRS = str.maketrans(_WRITTEN_OUT)
# Not after a vowel or q (Bauer, Queen), nor the ends of Michael, Joel, Samuel, Chloe, Sue and Nadja.
_PAIR = re.compile(r"(?<![aeiouq])(?:[aou]e(?!l?\b)|aa|dj(?!a\b))", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
# Unicode's arithmetic of Hangul: syllables in a row, each with one of 28 finals, the first of which is none.
_FIRST_SYLLABLE = 0xAC00
_SYLLABLES = 11_172
_FINALS = 28
_BEFORE_FINALS = 0x11A7


def spellings(text: str) -> tuple[str, ...]:
    """Return `text` and the other ways to spell it that fold differently; each has a fold of its own.

    * German and Nordic letters and their written-out forms, word by word: Jürgen and Juergen, Đorđe and Djordje.
    * The canonically composed and the decomposed form, for Hangul and voiced kana; for Hangul also with the final
      consonants alone apart.
    * Digits of other scripts as those of ASCII; and 0 as o, which a zero of some scripts is read as.
    * Small letters, capitals, and a capital for each word, where their look tells (Greek Ν and ν).
    """
    if text.isascii() and "0" not in text and not _PAIR.search(text):
        return (text,)
    distinct: dict[str, str] = {}
    for spelling in _forms(text):
        distinct.setdefault(fold(spelling), spelling)
    return tuple(distinct.values())


def _forms(text: str) -> Iterator[str]:
    yield text
    digits = ascii_digits(text)
    yield digits
    is_long = sum(map(str.isdigit, digits)) >= MIN_DIGITS or sum(map(str.isalnum, digits)) >= 2 * MIN_DIGITS
    if is_long and any(digit in digits for digit in "123456789"):
        yield digits.replace("0", "o")
    for written in _letters_written(normalize("NFC", text)):
        yield written
        if not written.isascii():
            for form in (written, written.lower(), written.upper(), written.title()):
                yield normalize("NFC", form)
                yield normalize("NFD", form)
    yield from _with_final_jamo(normalize("NFC", text))


def _with_final_jamo(text: str) -> Iterator[str]:
    """Yield `text` with the final consonant of every Hangul syllable, and of each alone, as its own letter."""
    apart = [_final_apart(char) for char in text]
    ends = [index for index, (char, split) in enumerate(zip(text, apart, strict=True)) if char != split]
    if ends:
        yield "".join(apart)
        yield from (text[:index] + apart[index] + text[index + 1 :] for index in ends[:MAX_COMBINATIONS])


def _final_apart(char: str) -> str:
    """Return a composed syllable of Hangul as one without its final consonant, and that; any other as it is."""
    index = ord(char) - _FIRST_SYLLABLE
    final = index % _FINALS if 0 <= index < _SYLLABLES else 0
    return chr(ord(char) - final) + chr(_BEFORE_FINALS + final) if final else char


def _letters_written(text: str) -> Iterator[str]:
    """Yield `text` with each word as it is, with its letters written out, and with pairs as one letter."""
    words = _WORD.findall(text)
    options = [tuple(dict.fromkeys((word, *_written_out(word), _shortened(word)))) for word in words]
    gaps = _WORD.split(text)
    combinations: Iterable[tuple[str, ...]] = product(*options)
    if prod(map(len, options)) > MAX_COMBINATIONS:
        combinations = (
            tuple(words),
            tuple(word.translate(_TO_PAIRS) for word in words),
            tuple(map(_shortened, words)),
        )
    for chosen in combinations:
        spelt = gaps[0] + "".join(word + gap for word, gap in zip(chosen, gaps[1:], strict=True))
        if len(words) > 1 or len(fold(spelt)) >= MIN_SHORTENED_CHARS or spelt == text:
            yield spelt


def _written_out(word: str) -> Iterator[str]:
    """Yield the word with its German and Nordic letters written out: all of them, and each alone (Østergaard)."""
    yield word.translate(_TO_PAIRS)
    letters = dict.fromkeys(letter for letter in word if letter in _WRITTEN_OUT)
    yield from (word.replace(letter, _WRITTEN_OUT[letter]) for letter in letters if len(letters) > 1)


def _shortened(word: str) -> str:
    """Return the word with each pair of letters as the one that it may stand for, unless it or that is common."""
    shortened = _PAIR.sub(lambda pair: pair[0][0], word)
    return word if is_common(word) or is_common(shortened) else shortened
