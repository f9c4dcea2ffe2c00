"""One text that leaves, under every reading: as it stands, and with the escapes of JSON read."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from guard.matching.automaton import Automaton
from guard.matching.scanner import Scanner
from guard.text.json_escapes import DEEPEST, Unescaping


class Utterance:
    """A `Scanner` of a text and of what it reads as once its escapes are read, escapes inside escapes too.

    A character leaves when no reading holds it back, and none leaves from the first phrase of any reading on.
    Text without a backslash has one reading and costs what a Scanner costs.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "", depth: int = DEEPEST) -> None:
        self._plain = Scanner(automata, seed)
        self._depth = depth
        self._escaped = _Escaped.after(automata, seed, depth - 1) if depth and "\\" in seed else None
        self._said = ""
        self._free = 0

    @property
    def matched(self) -> bool:
        """Whether a phrase occurred; nothing is released from then on."""
        return self._plain.matched or (self._escaped is not None and self._escaped.inner.matched)

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may leave now."""
        if self._escaped is None:
            if not self._depth or "\\" not in text:
                return self._plain.feed(text)
            self._escaped = _Escaped.beside(self._plain, self._depth - 1)
            self._said = self._plain.held
        if self.matched:
            return ""
        trial = self._copied()
        leaving = trial._step(text)
        if not trial.matched:
            self._plain, self._escaped, self._said, self._free = trial._parts
            if self._escaped is not None and self._escaped.is_over(self._plain):
                self._escaped = None
            return leaving
        # By the character: which ones a match withholds must not depend on how the text is cut.
        return "".join(map(self._step, text))

    def finish(self) -> str:
        """Return what is still held back, as no more text will come to complete a phrase."""
        rest = self._plain.finish()
        if self._escaped is None:
            return rest
        self._escaped.finish()
        rest, self._said, self._free = "" if self.matched else self._said, "", 0
        return rest

    def _step(self, text: str) -> str:
        if self._escaped is None or self.matched:
            return ""
        self._said += text
        self._free += len(self._plain.feed(text))
        self._escaped.feed(text)
        count = min(self._free, self._escaped.free)
        self._free -= count
        self._escaped.free -= count
        leaving, self._said = self._said[:count], self._said[count:]
        return leaving

    @property
    def _parts(self) -> tuple[Scanner, _Escaped | None, str, int]:
        return self._plain, self._escaped, self._said, self._free

    def _copied(self) -> Utterance:
        twin = copy.copy(self)
        twin._plain = copy.copy(self._plain)
        twin._escaped = self._escaped and self._escaped.copied()
        return twin


class _Escaped:
    """The reading with one level of escapes read; `free` counts the raw characters that it lets leave."""

    def __init__(self, inner: Utterance, widths: list[int]) -> None:
        self.inner = inner
        self.free = 0
        self._unescaping = Unescaping()
        self._widths = widths
        # Raw characters of an unfinished escape that have left already.
        self._gone = 0

    @classmethod
    def beside(cls, plain: Scanner, depth: int) -> _Escaped:
        """The reading of a text that had no escape so far."""
        inner = Utterance((), "", depth)
        inner._plain = copy.copy(plain)
        return cls(inner, [1] * len(plain.held))

    @classmethod
    def after(cls, automata: Sequence[Automaton], seed: str, depth: int) -> _Escaped:
        """The reading of a text that continues `seed`."""
        unescaping = Unescaping()
        escaped = cls(Utterance(automata, unescaping.feed(seed).text, depth), [])
        escaped._unescaping = unescaping
        escaped._gone = unescaping.pending
        return escaped

    def is_over(self, plain: Scanner) -> bool:
        """Whether from here on this reading is that of `plain` until the next escape."""
        return not self._unescaping.pending and self.inner._escaped is None and self.inner._plain.stands_as(plain)

    def copied(self) -> _Escaped:
        twin = copy.copy(self)
        twin.inner = self.inner._copied()
        twin._unescaping = copy.copy(self._unescaping)
        twin._widths = list(self._widths)
        return twin

    def feed(self, raw: str) -> None:
        read = self._unescaping.feed(raw)
        for width in read.widths:
            left = min(width, self._gone)
            self._gone -= left
            self._widths.append(width - left)
        count = len(self.inner.feed(read.text))
        self.free += sum(self._widths[:count])
        del self._widths[:count]

    def finish(self) -> None:
        self.inner.finish()
        self._gone = self._unescaping.pending
        self._widths, self.free = [], 0
