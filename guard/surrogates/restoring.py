"""Puts back what surrogates stand for, in a text that comes in pieces."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from guard.surrogates.substitution import in_case
from guard.text.composition import MARKS
from guard.text.conversation import UNSPACED
from guard.text.lexicon import is_known_word

LONG = 8
"""A surrogate of so many letters is found inside words; a shorter one where a word begins."""
MAX_ENDING = 3
"""Letters that may follow a surrogate of MIN_ENDED letters in one word: an ending, as of a case."""
MIN_ENDED = 6

_LETTER = rf"(?:[^\W\d_]|[{MARKS}])"
_ENDING = re.compile(f"{_LETTER}+")
_UNSPACED = re.compile(f"[{UNSPACED}]")


class Originals:
    """What surrogates stand for: by surrogate, in small letters, the caller's word."""

    def __init__(self, originals: Mapping[str, str]) -> None:
        self.words = dict(originals)
        self.longest = max(map(len, originals), default=0)
        self.anywhere = {word for word in originals if len(word) >= LONG or _UNSPACED.search(word)}
        # Longest first; no surrogate begins with another.
        patterns = map(self._pattern, sorted(originals, key=len, reverse=True))
        self.found = re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)

    def _pattern(self, word: str) -> str:
        if word in self.anywhere:
            return re.escape(word)
        ending = f"{_LETTER}{{0,{MAX_ENDING}}}" if len(word) >= MIN_ENDED else "s?"
        return rf"(?<!{_LETTER}){re.escape(word)}(?={ending}(?!{_LETTER}))"

    def may_begin(self, tail: str) -> bool:
        """Whether a text that ends with `tail`, in small letters, may go on so that a surrogate begins there."""
        return any(
            word.startswith(tail)
            or (word not in self.anywhere and tail.startswith(word) and _is_ending(tail[len(word) :]))
            for word in self.words
        )


class Restorer:
    """Reads a text piece by piece and writes it with the caller's words.

    `source` is what was read, and `text` what is written so far, for good. The caller's words come in the case of
    the surrogate that was read: in capitals, in small letters or with a capital at the beginning. However a text
    is split, the same is written.
    """

    def __init__(self, originals: Originals, *, in_json: bool = False) -> None:
        """With `in_json`, the text is the inside of JSON strings and the words are written with its escapes."""
        self.source = self.text = ""
        self._originals = originals
        self._in_json = in_json
        self._pending = ""
        self._before = ""
        self._replaced: list[tuple[int, int]] = []
        # By character read, how much is written where it begins; one more for the end of what is decided.
        self._places = [0]

    @property
    def decided(self) -> int:
        """How many of the characters read are written for good."""
        return len(self._places) - 1

    def feed(self, text: str) -> None:
        """Read the next piece."""
        self.source += text
        self._pending += text
        self._write(self._held())

    def finish(self) -> None:
        """Write all that was read: nothing follows that could change it."""
        self._write(len(self._pending))

    def written(self, start: int, end: int) -> str:
        """Return what the characters [start, end) of the text read have become; a word is dealt out evenly."""
        return self.text[self._places[start] : self._places[end]]

    def place(self, at: int) -> int:
        """Return where what was read at a character is written."""
        return self._places[at]

    def surrogate_in(self, start: int, end: int) -> str:
        """Return what was read from character `start` to the end of the surrogate that [start, end) reaches into;
        "" if there is none."""
        last = next((last for first, last in self._replaced if start < last and first < end), start)
        return self.source[start:last]

    def _held(self) -> int:
        """Return where what may yet become a surrogate begins in what is pending."""
        text = self._before + self._pending
        lower = "".join(map(_lower, text))
        first = max(len(self._before), len(text) - self._originals.longest - MAX_ENDING)
        for at in range(first, len(text)):
            if self._originals.may_begin(lower[at:]):
                return at - len(self._before)
        return len(self._pending)

    def _write(self, end: int) -> None:
        text, shift = self._before + self._pending, len(self._before)
        at = shift
        for found in self._originals.found.finditer(text, shift):
            if found.end() > shift + end:
                break
            if found[0].lower() not in self._originals.anywhere and _is_other_word(text, found.end(), found[0]):
                continue
            self._copy(text[at : found.start()])
            self._put(found[0])
            at = found.end()
        self._copy(text[at : shift + end])
        self._before = text[: shift + end][-1:]
        self._pending = self._pending[end:]

    def _copy(self, text: str) -> None:
        first = len(self.text)
        self._places += range(first + 1, first + len(text) + 1)
        self.text += text

    def _put(self, said: str) -> None:
        word = in_case(self._originals.words["".join(map(_lower, said))], said)
        if self._in_json:
            word = json.dumps(word, ensure_ascii=False)[1:-1]
        first, length = len(self.text), len(said)
        self._replaced.append((self.decided, self.decided + length))
        self._places += (first - (-place * len(word)) // length for place in range(1, length + 1))
        self.text += word


def _is_other_word(text: str, end: int, said: str) -> bool:
    """Whether the surrogate `said`, which ends at `end`, only begins a known word, as Martin does "Martinez"."""
    ending = _ENDING.match(text, end)
    return ending is not None and ending[0] != "s" and is_known_word(said + ending[0])


def _is_ending(text: str) -> bool:
    return len(text) <= MAX_ENDING and re.fullmatch(f"{_LETTER}*", text) is not None


def _lower(char: str) -> str:
    small = char.lower()
    return small if len(small) == 1 else char
