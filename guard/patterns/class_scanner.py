"""A streaming matcher for classes of values: none of them leaves, however a stream is cut."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from guard.matching.near import TextScanner
from guard.patterns.syntax import MAX_MATCH_CHARS, canonical
from guard.patterns.value_class import ClassMatcher, ValueClass
from guard.text.json_escapes import JSON, Escapes, Unescaper


class ClassScanner:
    """Releases what `scanner` does, up to where a value of one of `classes` begins.

    What may be the beginning of a value is held back, MAX_MATCH_CHARS characters at most. How the text is cut
    into chunks changes when characters are released, never which. `seed` is the text before, in which a value may
    begin. Escapes of one kind are decoded, once: in the arguments of a tool, `\\u0047B29` is GB29.
    """

    def __init__(
        self, scanner: TextScanner, classes: Sequence[ValueClass], seed: str = "", escapes: Escapes = JSON
    ) -> None:
        self._scanner = scanner
        self._matchers = [ClassMatcher(each) for each in classes]
        # The text, escapes decoded, from where the earliest value in progress began; how many raw characters
        # each of its characters still has to release; and how much of it is released and read.
        self._unescaper = Unescaper(escapes)
        self._text = self._unescaper.feed(seed).text[-MAX_MATCH_CHARS:]
        self._widths = [0] * len(self._text)
        self._raw = ""
        self._released = self._read = len(self._text)
        # Raw characters of an unfinished escape that are released already.
        self._skipped = self._unescaper.pending
        self._class_matched = False
        self._start()

    @property
    def matched(self) -> bool:
        """Whether a phrase occurred, or a value; nothing is released from then on."""
        return self._class_matched or self._scanner.matched

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may be released now."""
        if self.matched:
            return ""
        self._add(self._scanner.feed(text))
        return self._release(ended=self._scanner.matched)

    def finish(self, watched: int = 0) -> str:
        """Return what may be released of the characters held back, as `Scanner.finish` does."""
        if self._class_matched:
            return ""
        self._add(self._scanner.finish(watched))
        released = self._release(ended=True)
        self._skipped = self._unescaper.pending
        return released

    def drop(self) -> None:
        """Withhold the characters held back: the text was given up because only a phrase could follow."""
        self._scanner.drop()
        self._text, self._widths = self._text[: self._released], self._widths[: self._released]
        self._read, self._raw = len(self._text), ""

    def copy(self) -> ClassScanner:
        """Return a scanner in the same state, which reads on by itself."""
        twin = copy.copy(self)
        twin._scanner = self._scanner.copy()
        twin._matchers = [matcher.copy() for matcher in self._matchers]
        twin._unescaper = copy.copy(self._unescaper)
        twin._widths = list(self._widths)
        return twin

    def _add(self, raw: str) -> None:
        self._raw += raw
        decoded = self._unescaper.feed(raw)
        self._text += decoded.text
        for width in decoded.widths:
            skipped = min(width, self._skipped)
            self._skipped -= skipped
            self._widths.append(width - skipped)

    def _start(self) -> None:
        """Read the seed: a value that is whole in it does not count."""
        for at, char in enumerate(map(canonical, self._text)):
            for matcher in self._matchers if char else ():
                matcher.take(self._text, at, char)
        for matcher in self._matchers:
            matcher.forget_ended()

    def _release(self, *, ended: bool) -> str:
        begun = self._first_value(ended=ended)
        if begun is not None:
            self._class_matched = True
            end = max(begun, self._released)
        else:
            live = [start for matcher in self._matchers if (start := matcher.earliest) is not None]
            end = len(self._text) if ended else max(min(live, default=len(self._text)), self._released)
        whole = ended and begun is None
        count = len(self._raw) if whole else sum(self._widths[self._released : end])
        released, self._raw = self._raw[:count], self._raw[count:]
        self._released = end
        self._trim()
        return released

    def _first_value(self, *, ended: bool) -> int | None:
        """Read on and return where the first value that ends began, if one does."""
        first, self._read = self._read, len(self._text)
        for at in range(first, len(self._text)):
            char = canonical(self._text[at])
            found = [matcher.take(self._text, at, char) for matcher in self._matchers] if char else []
            if starts := [start for start in found if start is not None]:
                return min(starts)
        if not ended:
            return None
        found = [matcher.end(self._text, len(self._text)) for matcher in self._matchers]
        return min((start for start in found if start is not None), default=None)

    def _trim(self) -> None:
        """Forget the text before all values in progress."""
        live = [start for matcher in self._matchers if (start := matcher.earliest) is not None]
        count = min([self._released, *live])
        if count > 0:
            self._text, self._widths = self._text[count:], self._widths[count:]
            self._released -= count
            self._read -= count
            for matcher in self._matchers:
                matcher.cut(count)
