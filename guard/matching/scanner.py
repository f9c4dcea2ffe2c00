"""A streaming matcher with hold-back: releases text as it comes, except what may yet become a forbidden phrase."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from guard.matching.automaton import Automaton
from guard.matching.unfinished import longest_unfinished
from guard.text.normalise import fold, fold_char


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
        self._automata = tuple(automata)
        folded = fold(seed).encode()
        self._states = [a.run(0, folded[-a.max_depth :] if a.max_depth else b"") for a in self._automata]
        self._held = ""
        # The folded bytes of the longest match in progress, those in the seed included.
        self._begun = _last(folded, self._pending())

    @property
    def held(self) -> str:
        """The characters held back."""
        return self._held

    def same_state(self, other: Scanner) -> bool:
        """Whether neither holds anything back and both would treat the same further text alike."""
        return not self._held and not other._held and self._states == other._states

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may be released now."""
        if self.matched:
            return ""
        folded = fold(text).encode()
        states, pending = [], 0
        for automaton, state in zip(self._automata, self._states, strict=True):
            cells, ends, width = automaton.cells, automaton.ends, automaton.width
            for symbol in folded.translate(automaton.symbols):
                state = cells[state * width + symbol]
                if ends[state]:
                    return self._release_before_match(text, folded)
            states.append(state)
            depth = automaton.depths[state]
            if depth > pending:
                pending = depth
        self._states = states
        self._begun = _last(self._begun + folded, pending)
        unreleased = self._held + text
        end = _suffix_start(unreleased, pending)
        self._held = unreleased[end:]
        return unreleased[:end]

    def finish(self) -> str:
        """Return what may be released of the characters held back, as the text ends or pauses here.

        If it ends inside a phrase most of which is said (`guard.matching.unfinished`), that is a match too.
        """
        held, self._held = self._held, ""
        # What the seed alone says, the text does not.
        if not fold(held):
            return held
        begun = max((longest_unfinished(a, self._begun, held) for a in self._automata), default=0)
        if not begun:
            return held
        self.matched = True
        return held[: _suffix_start(held, begun)]

    def drop(self) -> None:
        """Withhold the characters held back: the text was given up because only a phrase could follow."""
        self.matched = self.matched or bool(self._held)
        self._held = ""

    def _pending(self) -> int:
        return max((a.depths[state] for a, state in zip(self._automata, self._states, strict=True)), default=0)

    def _release_before_match(self, text: str, folded: bytes) -> str:
        """Return what precedes the first match; of matches with the same end, the longest counts."""
        unreleased = self._held + text
        # The index of the character that each folded byte comes from.
        starts = [index for index, char in enumerate(unreleased) for _ in _folded_bytes(char)]
        ends = [end for k in range(len(self._automata)) if (end := self._first_match(k, folded))]
        count, longest = min(ends)
        first = len(starts) - len(folded) + count + longest
        self.matched, self._held = True, ""
        return unreleased[: starts[first]] if first >= 0 else ""

    def _first_match(self, k: int, folded: bytes) -> tuple[int, int] | None:
        """Return the count of folded bytes up to the end of automaton k's first match, and minus its length."""
        automaton, state = self._automata[k], self._states[k]
        for count, symbol in enumerate(folded.translate(automaton.symbols), 1):
            state = automaton.cells[state * automaton.width + symbol]
            if automaton.ends[state]:
                return count, -automaton.depths[next(automaton.output_states(state))]
        return None


def _last(folded: bytes, count: int) -> bytes:
    return folded[-count:] if count else b""


def _suffix_start(text: str, count: int) -> int:
    """Return where the last `count` folded bytes of `text` begin: 0 if it has fewer, its end if count is 0."""
    index = len(text)
    while count > 0 and index:
        index -= 1
        count -= len(_folded_bytes(text[index]))
    return index


@lru_cache(maxsize=65_536)
def _folded_bytes(char: str) -> bytes:
    return fold_char(char).encode()
