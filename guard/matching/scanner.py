"""The text that leaves: released as it comes, less whatever may yet become a forbidden phrase."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from guard.matching.automaton import Automaton
from guard.text.normalise import fold, fold_char


class Scanner:
    """Lets text through up to the first forbidden phrase, of which no character is released.

    How the text is cut into chunks changes when characters are released, never which. Held back are only the
    characters from where the longest match in progress began. `seed` is the text before (a prefill, the
    prompt of a completion): a phrase may begin in it, but it is never released, and what it holds by itself
    does not count. `matched` turns True with the first phrase; nothing is released from then on.
    """

    def __init__(self, automata: Sequence[Automaton], seed: str = "") -> None:
        self.matched = False
        self._automata = tuple(automata)
        folded = fold(seed).encode()
        self._states = [a.run(0, folded[-a.reach :] if a.reach else b"") for a in self._automata]
        self._held = ""

    @property
    def held(self) -> str:
        """What is held back."""
        return self._held

    def stands_as(self, other: Scanner) -> bool:
        """Whether nothing is held back by either, and the same text would from here on do the same to both."""
        return not self._held and not other._held and self._states == other._states

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may leave now."""
        if self.matched:
            return ""
        folded = fold(text).encode()
        states, pending = [], 0
        for automaton, state in zip(self._automata, self._states, strict=True):
            cells, ends, width = automaton.cells, automaton.ends, automaton.width
            for symbol in folded.translate(automaton.symbols):
                state = cells[state * width + symbol]
                if ends[state]:
                    return self._cut(text, folded)
            states.append(state)
            depth = automaton.depths[state]
            if depth > pending:
                pending = depth
        self._states = states
        said = self._held + text
        leaving = _last(said, pending)
        self._held = said[leaving:]
        return said[:leaving]

    def finish(self) -> str:
        """Return what is still held back, as no more text will come to complete a phrase."""
        rest, self._held = self._held, ""
        return rest

    def _cut(self, text: str, folded: bytes) -> str:
        """Withhold from the first match on; of matches that end together, the longest is withheld."""
        said = self._held + text
        # The position that each folded byte comes from.
        starts = [position for position, char in enumerate(said) for _ in _letters(char)]
        ends = [end for k in range(len(self._automata)) if (end := self._first_match(k, folded))]
        count, longest = min(ends)
        first = len(starts) - len(folded) + count + longest
        self.matched, self._held = True, ""
        return said[: starts[first]] if first >= 0 else ""

    def _first_match(self, k: int, folded: bytes) -> tuple[int, int] | None:
        """The folded bytes up to the end of automaton k's first match, and minus those of the longest there."""
        automaton, state = self._automata[k], self._states[k]
        for count, symbol in enumerate(folded.translate(automaton.symbols), 1):
            state = automaton.cells[state * automaton.width + symbol]
            if automaton.ends[state]:
                return count, -automaton.depths[next(automaton.ending(state))]
        return None


def _last(text: str, count: int) -> int:
    """Where the last `count` folded bytes of `text` begin; 0 when it has fewer, its end when count is 0."""
    place = len(text)
    while count > 0 and place:
        place -= 1
        count -= len(_letters(text[place]))
    return place


@lru_cache(maxsize=65_536)
def _letters(char: str) -> bytes:
    return fold_char(char).encode()
