"""An escape-aware streaming matcher: scans one text under every reading, raw and with JSON escapes decoded."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from guard.matching.automaton import Automaton
from guard.matching.scanner import Scanner
from guard.text.json_escapes import MAX_ESCAPE_LEVELS, Unescaper


class EscapeScanner:
    """A `Scanner` of a text and of what it reads as once its escapes are decoded, nested escapes too.

    The readings advance in parallel, and each says how many raw characters it lets go; the least of them count:

        raw        {"n": "\\u004frla     a Scanner; holds nothing back, as "u004frla" begins no phrase
        level 1    {"n": "Orla          an EscapeScanner again; holds "Orla" back, that is 9 raw characters

    From the first phrase of any reading on, nothing is released. Text without a backslash has one reading and
    costs what a Scanner costs.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "", depth: int = MAX_ESCAPE_LEVELS) -> None:
        self._plain = Scanner(automata, seed)
        self._depth = depth
        self._decoded = _DecodedReading.continuing(automata, seed, depth - 1) if depth and "\\" in seed else None
        self._unreleased = ""
        # Raw characters at the start of `_unreleased` that the raw reading lets go.
        self._plain_free = 0

    @property
    def matched(self) -> bool:
        """Whether a phrase occurred; nothing is released from then on."""
        return self._plain.matched or (self._decoded is not None and self._decoded.scanner.matched)

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may be released now."""
        if self._decoded is None:
            if not self._depth or "\\" not in text:
                return self._plain.feed(text)
            self._decoded = _DecodedReading.branching_from(self._plain, self._depth - 1)
            self._unreleased = self._plain.held
        if self.matched:
            return ""
        # Why the twin: a match in one reading must stop the others at the same raw character, but each reading
        # takes its chunk whole. So the chunk is tried on a copy, which becomes the state if nothing matched (the
        # usual case); otherwise the chunk is fed to the untouched original again, one character at a time.
        twin = self.copy()
        released = twin._advance(text)
        if not twin.matched:
            self._adopt(twin)
            return released
        return "".join(map(self._advance, text))

    def finish(self) -> str:
        """Return what may be released of the characters held back, as `Scanner.finish` does; the least counts."""
        if self.matched:
            return ""
        rest = self._plain.finish()
        if self._decoded is None:
            return rest
        whole = len(self._unreleased)
        free = self._plain_free + len(rest) if self._plain.matched else whole
        free = min(free, self._decoded.finish(whole))
        rest, self._unreleased, self._plain_free = self._unreleased[:free], "", 0
        return rest

    def drop(self) -> None:
        """Withhold the characters held back, as `Scanner.drop` does."""
        self._plain.drop()
        if self._decoded is not None:
            self._decoded.scanner.drop()

    def copy(self) -> EscapeScanner:
        """Return a scanner in the same state, which reads on by itself."""
        twin = EscapeScanner.__new__(EscapeScanner)
        twin.__dict__.update(self.__dict__)
        twin._plain = self._plain.copy()
        twin._decoded = self._decoded and self._decoded.copy()
        return twin

    def _advance(self, text: str) -> str:
        if self._decoded is None or self.matched:
            return ""
        self._unreleased += text
        self._plain_free += len(self._plain.feed(text))
        self._decoded.feed(text)
        count = min(self._plain_free, self._decoded.free)
        self._plain_free -= count
        self._decoded.free -= count
        released, self._unreleased = self._unreleased[:count], self._unreleased[count:]
        return released

    def _adopt(self, twin: EscapeScanner) -> None:
        """Take over the twin's state; drop the decoded reading once both readings agree again."""
        self._plain, self._decoded = twin._plain, twin._decoded
        self._unreleased, self._plain_free = twin._unreleased, twin._plain_free
        if self._decoded is not None and self._decoded.agrees_with(self._plain):
            self._decoded = None


class _DecodedReading:
    """The reading with one level of escapes decoded; `free` counts the raw characters that it lets go."""

    def __init__(self, scanner: EscapeScanner, widths: list[int]) -> None:
        self.scanner = scanner
        self.free = 0
        self._unescaper = Unescaper()
        # Raw characters that each decoded, unreleased character comes from.
        self._widths = widths
        # Raw characters of an unfinished escape that were released before this reading began.
        self._already_released = 0

    @classmethod
    def branching_from(cls, plain: Scanner, depth: int) -> _DecodedReading:
        """Return the decoded reading of a text that had no escape so far."""
        scanner = EscapeScanner((), "", depth)
        scanner._plain = plain.copy()
        return cls(scanner, [1] * len(plain.held))

    @classmethod
    def continuing(cls, automata: Sequence[Automaton], seed: str, depth: int) -> _DecodedReading:
        """Return the decoded reading of a text that continues `seed`."""
        unescaper = Unescaper()
        reading = cls(EscapeScanner(automata, unescaper.feed(seed).text, depth), [])
        reading._unescaper = unescaper
        reading._already_released = unescaper.pending
        return reading

    def agrees_with(self, plain: Scanner) -> bool:
        """Whether this reading and `plain` are the same from here until the next escape."""
        return (
            not self._unescaper.pending and self.scanner._decoded is None and self.scanner._plain.same_state(plain)
        )

    def copy(self) -> _DecodedReading:
        twin = copy.copy(self)
        twin.scanner = self.scanner.copy()
        twin._unescaper = copy.copy(self._unescaper)
        twin._widths = list(self._widths)
        return twin

    def feed(self, raw: str) -> None:
        decoded = self._unescaper.feed(raw)
        for width in decoded.widths:
            skipped = min(width, self._already_released)
            self._already_released -= skipped
            self._widths.append(width - skipped)
        count = len(self.scanner.feed(decoded.text))
        self.free += sum(self._widths[:count])
        del self._widths[:count]

    def finish(self, whole: int) -> int:
        """Return how many raw characters may be released, of `whole` that are held back."""
        count = len(self.scanner.finish())
        free = self.free + sum(self._widths[:count]) if self.scanner.matched else whole
        self._already_released = self._unescaper.pending
        self._widths, self.free = [], 0
        return free
