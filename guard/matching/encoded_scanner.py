"""A streaming matcher for answers that could be in code: what decodes to a forbidden phrase is not released."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence

from guard.deobfuscation.readings import deobfuscate
from guard.matching.automaton import Automaton
from guard.matching.escape_scanner import EscapeScanner
from guard.text.english import is_common

# Characters held back at most until they can be read under every code.
MAX_HELD_CHARS = 512
# Characters already released in which a code may have begun.
MAX_CONTEXT_CHARS = 256
# Letters that spell a phrase by chance, such as initials, spell a longer one hardly ever. In UTF-8 bytes.
MIN_CHANCE_BYTES = 8

# Signs that encode bytes together: eight of base32, or of bits.
_MAX_GROUP_CHARS = 8
_LONG_RUN = re.compile(r"\S{40}")
_WORD = re.compile(r"\S+")
_EDGES = ".,;:!?\"'()[]“”‘’*_"


class EncodedScanner:
    """An `EscapeScanner` that reads the text under every code of `deobfuscate` too, before it releases any of it.

    Text is released up to two common words in a row, which begin no code; names, numbers and other uncommon words
    before them are held back and read first, up to MAX_HELD_CHARS. From the first phrase on, nothing is released.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "") -> None:
        self._plain = EscapeScanner(automata, seed)
        self._automata = tuple(automata)
        self._context = ""
        self._held = ""
        self._decoded_match = False

    @property
    def matched(self) -> bool:
        """Whether a phrase occurred, plain or in code; nothing is released from then on."""
        return self._plain.matched or self._decoded_match

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may be released now."""
        if self.matched:
            return ""
        self._held += self._plain.feed(text)
        # What comes before a plain match is all that will ever be released.
        return self._release(len(self._held) if self._plain.matched else _prose_end(self._held))

    def finish(self, watched: int = 0) -> str:
        """Return what may be released of the characters held back, as `Scanner.finish` does."""
        if self._decoded_match:
            return ""
        self._held += self._plain.finish(watched)
        return self._release(len(self._held))

    def drop(self) -> None:
        """Withhold the characters held back: the text was given up because only a phrase could follow."""
        self._plain.drop()
        self._held = ""

    def copy(self) -> EncodedScanner:
        """Return a scanner in the same state, which reads on by itself."""
        twin = copy.copy(self)
        twin._plain = self._plain.copy()
        return twin

    def _release(self, end: int) -> str:
        released = self._held[:end]
        if self._is_code(released):
            self._decoded_match, self._held = True, ""
            return ""
        self._context = (self._context + released)[-MAX_CONTEXT_CHARS:]
        self._held = self._held[end:]
        return released

    def _is_code(self, text: str) -> bool:
        """Whether `text`, after what was released before it, decodes to a phrase."""
        if not text or ("\n" not in text and all(map(_is_prose, _WORD.findall(text)))):
            return False
        return any(
            self._says_phrase(reading.text, 0 if reading.is_language else MIN_CHANCE_BYTES)
            for window in _windows(self._context + text)
            for reading in deobfuscate(window)
        )

    def _says_phrase(self, text: str, min_bytes: int) -> bool:
        return any(
            len(text[found.start : found.end].encode()) >= min_bytes
            for automaton in self._automata
            for found in automaton.matches(text)
        )


def _windows(text: str) -> Iterator[str]:
    """Yield overlapping windows that cover `text`, so that reading it takes time in proportion to its length."""
    size = MAX_CONTEXT_CHARS + MAX_HELD_CHARS
    for start in range(0, max(len(text) - MAX_CONTEXT_CHARS, 1), MAX_HELD_CHARS):
        window = text[start : start + size]
        # A window that begins inside a long run may begin inside a group of its code.
        inside = _LONG_RUN.match(window) is not None
        yield from (window[skipped:] for skipped in range(_MAX_GROUP_CHARS if inside else 1))


def _prose_end(text: str) -> int:
    """Return where the last two common words in a row end, or all of a text that is too long to be held back."""
    if len(text) >= MAX_HELD_CHARS:
        return len(text)
    end, before = 0, False
    for word in _WORD.finditer(text):
        # The last word may go on.
        plain = word.end() < len(text) and _is_prose(word[0])
        if plain and before:
            end = word.end()
        before = plain
    return end


def _is_prose(word: str) -> bool:
    bare = word.strip(_EDGES)
    return bare.isalpha() and is_common(bare)
