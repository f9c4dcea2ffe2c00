"""A streaming matcher with hold-back: releases text as it comes, except what may yet become a forbidden phrase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from guard.matching.automaton import Automaton
from guard.matching.patterns import collapsed, read
from guard.matching.unfinished import unfinished
from guard.text.borders import BORDER
from guard.text.normalise import fold

MIN_BYTES_INSIDE_WORD = 8
"""Fewer bytes of an unfinished phrase are, where they begin inside a word, the end of an ordinary word: "linda" in
"Glinda"."""
_BORDER = BORDER.encode()


class Scanner:
    """Lets text through up to the first forbidden phrase, of which no character is released.

    How the text is cut into chunks changes when characters are released, never which. Only the characters from
    where the longest match in progress began are held back. `seed` is the text before (a prefill, the prompt of
    a completion): a phrase may begin in it, but it is never released, and phrases that lie entirely in it do not
    count. `matched` turns True with the first phrase, or when the text ends inside one and has said most of it;
    nothing is released from then on.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "") -> None:
        self.matched = False
        parts = tuple(chain.from_iterable(automaton.parts for automaton in automata))
        self._automata = parts
        # Whether any phrase is matched between word borders: only then is text read in that way too.
        self._borders = any(part.borders for part in parts)
        folded = fold(seed).encode()
        bordered = read(seed, borders=True) if self._borders else b""
        self._states = [part.seeded(bordered if part.borders else folded) for part in parts]
        self._held = ""
        # The character before those held back.
        self._before = seed[-1:]
        # What was read of the longest match in progress, that in the seed included; with borders, too.
        self._begun = _last(folded, self._depth(borders=False))
        self._begun_bordered = _last(collapsed(bordered), self._depth(borders=True))

    @property
    def held(self) -> str:
        """The characters held back."""
        return self._held

    def same_state(self, other: Scanner) -> bool:
        """Whether neither holds anything back and both would treat the same further text alike."""
        same = self._states == other._states and self._before == other._before
        return same and not self._held and not other._held

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may be released now."""
        if self.matched:
            return ""
        folded = fold(text).encode()
        bordered = read(text, borders=True) if self._borders else b""
        states, pending, pending_bordered, letters = [], 0, 0, 0
        for automaton, state in zip(self._automata, self._states, strict=True):
            after = automaton.run_to_end(state, bordered if automaton.borders else folded)
            if after is None:
                return self._release_before_match(text)
            states.append(after)
            depth = automaton.depths[after]
            if automaton.borders:
                pending_bordered = max(pending_bordered, depth)
                # The border before a phrase need not be held back.
                letters = max(letters, depth - automaton.lead(after))
            elif depth > pending:
                pending = depth
        self._states = states
        unreleased = self._held + text
        self._begun = _last(self._begun + folded, pending)
        end = _suffix_start(unreleased, pending, borders=False)
        if self._borders:
            self._begun_bordered = _last(collapsed(self._begun_bordered + bordered), pending_bordered)
            end = min(end, _suffix_start(unreleased, letters, borders=True))
        self._before, self._held = (self._before + unreleased[:end])[-1:], unreleased[end:]
        return unreleased[:end]

    def finish(self, watched: int = 0) -> str:
        """Return what may be released of the characters held back, as the text ends or pauses here.

        If it ends inside a phrase most of which is said (`guard.matching.unfinished`), that is a match too, and so
        is a phrase that only what follows could have made a part of something else. Nothing kept the text's author
        from ending the phrases of the last `watched` automata, and it ended by itself.
        """
        held, self._held = self._held, ""
        masked = len(self._automata) - watched
        ends = [self._ended(k, held, past=k >= masked) for k in range(len(self._automata))]
        starts = [start for start in ends if start < len(held)]
        self.matched = self.matched or bool(starts)
        self._before = (self._before + held)[-1:]
        return held[: min(starts)] if starts else held

    def _ended(self, k: int, held: str, *, past: bool) -> int:
        """Return where the phrase of automaton k begins that the text ends in; the end of `held` for none."""
        automaton, state = self._automata[k], self._states[k]
        count = automaton.depths[state] - automaton.lead(state) if automaton.ends_text(state) else 0
        # What the seed alone says, the text does not.
        if not count and fold(held):
            begun = self._begun_bordered if automaton.borders else self._begun
            every = unfinished(automaton, begun, held, past=past)
            counts = (count for count in every if self._counts(count, held, automaton))
            count = next(counts, 0)
        return _suffix_start(held, count, borders=automaton.borders)

    def _counts(self, count: int, held: str, automaton: Automaton) -> bool:
        """Whether an unfinished phrase of `count` bytes at the end of `held` counts where it begins."""
        start = _suffix_start(held, count, borders=automaton.borders)
        in_seed = not start and count > len(read(held, borders=automaton.borders))
        if count >= MIN_BYTES_INSIDE_WORD or in_seed:
            return True
        return not _in_one_word((self._before + held[:start])[-1:], held[start : start + 1])

    def drop(self) -> None:
        """Withhold the characters held back: the text was given up because only a phrase could follow."""
        self.matched = self.matched or bool(self._held)
        self._held = ""

    def copy(self) -> Scanner:
        """Return a scanner in the same state, which reads on by itself."""
        # Nothing that it holds is changed in place. `copy.copy` takes ten times as long.
        twin = Scanner.__new__(Scanner)
        twin.__dict__.update(self.__dict__)
        return twin

    def _depth(self, *, borders: bool) -> int:
        """Return how many bytes of what is read, with or without borders, the longest match in progress has."""
        pairs = zip(self._automata, self._states, strict=True)
        return max((one.depths[state] for one, state in pairs if one.borders == borders), default=0)

    def _release_before_match(self, text: str) -> str:
        """Return what precedes the first match; of matches with the same end, the longest counts."""
        unreleased = self._held + text
        matches = filter(None, (self._first_match(k, text) for k in range(len(self._automata))))
        first = min(matches)
        start = min(first.start, *self._undecided_starts(text[: first.end]), len(unreleased))
        self.matched, self._held = True, ""
        return unreleased[:start]

    def _undecided_starts(self, text: str) -> Iterator[int]:
        """Yield where, after `text`, phrases may begin of which what follows decides whether they count."""
        for automaton, state in zip(self._automata, self._states, strict=True):
            if automaton.borders or len(automaton.late):
                after = automaton.feed(state, text)
                letters = automaton.depths[after] - automaton.lead(after)
                yield _suffix_start(self._held + text, letters, borders=automaton.borders)

    def _first_match(self, k: int, text: str) -> _Match | None:
        automaton, state = self._automata[k], self._states[k]
        for index, char in enumerate(text):
            folded = _read_char(char, automaton.borders)
            for count, byte in enumerate(folded, 1):
                state = automaton.run(state, bytes((byte,)))
                if automaton.accepting[state]:
                    outputs = automaton.output_states(state)
                    length = max(automaton.depths[output] - automaton.lead(output) for output in outputs)
                    # With what else the last character folds to.
                    length += len(folded) - count
                    before = self._held + text[: index + 1]
                    return _Match(index, _suffix_start(before, length, borders=automaton.borders))
        return None


class _Match(NamedTuple):
    """The index of the fed character that ends a match, and that of the unreleased one with which it begins."""

    end: int
    start: int


def _in_one_word(before: str, after: str) -> bool:
    """Whether two characters are of one word, or of one number; words of scripts without case have prefixes."""
    if before.isdecimal() and after.isdecimal():
        return True
    return all(char.islower() or char.isupper() for char in (before, after))


def _last(read: bytes, count: int) -> bytes:
    return read[-count:] if count else b""


def _suffix_start(text: str, count: int, *, borders: bool) -> int:
    """Return where the last `count` bytes read of `text` begin: 0 if it has fewer, its end if count is 0.

    Adjacent borders count as one.
    """
    index, before_border = len(text), False
    while count > 0 and index:
        index -= 1
        shown = _read_char(text[index], borders)
        count -= len(shown) - (before_border and shown.endswith(_BORDER))
        before_border = shown.startswith(_BORDER) if shown else before_border
    return index


@lru_cache(maxsize=65_536)
def _read_char(char: str, borders: bool) -> bytes:
    return read(char, borders=borders)
