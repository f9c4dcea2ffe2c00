"""An escape-aware streaming matcher: scans one text under every reading, raw and with escapes decoded, those of
JSON and those of HTML and addresses."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from guard.matching.automaton import Automaton
from guard.matching.scanner import Scanner
from guard.text.json_escapes import JSON, MAX_ESCAPE_LEVELS, Escapes, Unescaper
from guard.text.markup_escapes import MARKUP


class EscapeScanner:
    """A `Scanner` of a text and of what it reads as once its escapes are decoded, nested escapes of JSON too.

    The readings advance in parallel, and each says how many raw characters it lets go; the least of them count:

        raw        {"n": "\\u004frla     a Scanner; holds nothing back, as "u004frla" begins no phrase
        level 1    {"n": "Orla          an EscapeScanner again; holds "Orla" back, that is 9 raw characters

    and so does that of markup, where there is any (`482&nbsp;915`). From the first phrase of any reading on,
    nothing is released. Text without a sign of escapes has one reading and costs what a Scanner costs.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "", depth: int = MAX_ESCAPE_LEVELS) -> None:
        self._plain = Scanner(automata, seed)
        self._depth = depth
        self._decoded: dict[Escapes, _DecodedReading] = {}
        self._decoded = {
            escapes: _DecodedReading.continuing(automata, seed, escapes, self._depth_below(escapes))
            for escapes in self._new(seed)
        }
        self._unreleased = ""
        # Raw characters at the start of `_unreleased` that the raw reading lets go.
        self._plain_free = 0

    @property
    def matched(self) -> bool:
        """Whether a phrase occurred; nothing is released from then on."""
        return self._plain.matched or any(reading.scanner.matched for reading in self._decoded.values())

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may be released now."""
        new = self._new(text)
        if not self._decoded:
            if not new:
                return self._plain.feed(text)
            self._unreleased = self._plain.held
        if self.matched:
            return ""
        for escapes in new:
            below = self._depth_below(escapes)
            self._decoded[escapes] = _DecodedReading.branching_from(self._plain, escapes, below, self._plain_free)
        # Why the twin: a match in one reading must stop the others at the same raw character, but each reading
        # takes its chunk whole. So the chunk is tried on a copy, which becomes the state if nothing matched (the
        # usual case); otherwise the chunk is fed to the untouched original again, one character at a time.
        twin = self.copy()
        released = twin._advance(text)
        if not twin.matched:
            self._adopt(twin)
            return released
        return "".join(map(self._advance, text))

    def finish(self, watched: int = 0) -> str:
        """Return what may be released of the characters held back, as `Scanner.finish` does; the least counts."""
        if self.matched:
            return ""
        rest = self._plain.finish(watched)
        if not self._decoded:
            return rest
        whole = len(self._unreleased)
        free = self._plain_free + len(rest) if self._plain.matched else whole
        free = min(free, *(reading.finish(whole, watched) for reading in self._decoded.values()))
        rest, self._unreleased, self._plain_free = self._unreleased[:free], "", 0
        return rest

    def drop(self) -> None:
        """Withhold the characters held back, as `Scanner.drop` does."""
        self._plain.drop()
        for reading in self._decoded.values():
            reading.scanner.drop()

    def copy(self) -> EscapeScanner:
        """Return a scanner in the same state, which reads on by itself."""
        twin = EscapeScanner.__new__(EscapeScanner)
        twin.__dict__.update(self.__dict__)
        twin._plain = self._plain.copy()
        twin._decoded = {escapes: reading.copy() for escapes, reading in self._decoded.items()}
        return twin

    def _new(self, text: str) -> list[Escapes]:
        """Return the kinds of escapes that `text` may have, and that nothing before it had."""
        kinds = (JSON, MARKUP) if self._depth else ()
        return [escapes for escapes in kinds if escapes not in self._decoded and escapes.may_be_in(text)]

    def _depth_below(self, escapes: Escapes) -> int:
        return self._depth - 1 if escapes is JSON else 0

    def _advance(self, text: str) -> str:
        if self.matched:
            return ""
        self._unreleased += text
        self._plain_free += len(self._plain.feed(text))
        for reading in self._decoded.values():
            reading.feed(text)
        count = min(self._plain_free, *(reading.free for reading in self._decoded.values()))
        self._plain_free -= count
        for reading in self._decoded.values():
            reading.free -= count
        released, self._unreleased = self._unreleased[:count], self._unreleased[count:]
        return released

    def _adopt(self, twin: EscapeScanner) -> None:
        """Take over the twin's state; drop each decoded reading that agrees with the raw one again."""
        self._plain = twin._plain
        self._unreleased, self._plain_free = twin._unreleased, twin._plain_free
        self._decoded = {
            escapes: reading for escapes, reading in twin._decoded.items() if not reading.agrees_with(self._plain)
        }


class _DecodedReading:
    """The reading with one level of escapes decoded; `free` counts the raw characters that it lets go."""

    def __init__(self, scanner: EscapeScanner, escapes: Escapes, widths: list[int], free: int = 0) -> None:
        self.scanner = scanner
        self.free = free
        self._unescaper = Unescaper(escapes)
        # Raw characters that each decoded, unreleased character comes from.
        self._widths = widths
        # Raw characters of an unfinished escape that were released before this reading began.
        self._already_released = 0

    @classmethod
    def branching_from(cls, plain: Scanner, escapes: Escapes, depth: int, free: int) -> _DecodedReading:
        """Return the decoded reading of a text that had no escape so far; it lets `free` characters go."""
        scanner = EscapeScanner((), "", depth)
        scanner._plain = plain.copy()
        return cls(scanner, escapes, [1] * len(plain.held), free)

    @classmethod
    def continuing(cls, automata: Sequence[Automaton], seed: str, escapes: Escapes, depth: int) -> _DecodedReading:
        """Return the decoded reading of a text that continues `seed`."""
        unescaper = Unescaper(escapes)
        reading = cls(EscapeScanner(automata, unescaper.feed(seed).text, depth), escapes, [])
        reading._unescaper = unescaper
        reading._already_released = unescaper.pending
        return reading

    def agrees_with(self, plain: Scanner) -> bool:
        """Whether this reading and `plain` are the same from here until the next escape."""
        return not self._unescaper.pending and not self.scanner._decoded and self.scanner._plain.same_state(plain)

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

    def finish(self, whole: int, watched: int) -> int:
        """Return how many raw characters may be released, of `whole` that are held back."""
        count = len(self.scanner.finish(watched))
        free = self.free + sum(self._widths[:count]) if self.scanner.matched else whole
        self._already_released = self._unescaper.pending
        self._widths, self.free = [], 0
        return free
