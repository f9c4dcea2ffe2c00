"""The text that leaves: released as it comes, less whatever may yet become a forbidden phrase."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from guard.automaton import Automaton
from guard.normalise import fold, fold_char


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
        # The position in _held that each folded byte of it comes from.
        self._starts: list[int] = []

    def feed(self, text: str) -> str:
        """Take the next characters and return those that may leave now."""
        if self.matched:
            return ""
        held, starts = self._held + text, self._starts
        known, folded = len(starts), bytearray()
        for position, char in enumerate(text, len(self._held)):
            letters = _letters(char)
            folded += letters
            starts += (position,) * len(letters)

        found = [match for k in range(len(self._states)) if (match := self._match(k, folded, known))]
        if found:
            self.matched = True
            self._held, self._starts = "", []
            return held[: min(found)[1]]

        pending = max((int(a.depth[s]) for a, s in zip(self._automata, self._states, strict=True)), default=0)
        # With more bytes pending than are held, the match in progress began in the seed.
        leaving = len(held) if not pending else 0 if pending > len(starts) else starts[-pending]
        self._held = held[leaving:]
        self._starts = [position - leaving for position in starts[-pending:]] if pending else []
        return held[:leaving]

    def finish(self) -> str:
        """Return what is still held back, as no more text will come to complete a phrase."""
        rest, self._held, self._starts = self._held, "", []
        return rest

    def _match(self, k: int, folded: bytearray, known: int) -> tuple[int, int] | None:
        """Advance automaton k; at its first match return the positions of its last and first character."""
        automaton, state = self._automata[k], self._states[k]
        cells, ends, width = automaton.cells, automaton.ends, automaton.width
        for index, symbol in enumerate(folded.translate(automaton.symbols), known):
            state = cells[state * width + symbol]
            if ends[state]:
                first = index + 1 - int(automaton.depth[next(automaton.ending(state))])
                return self._starts[index], self._starts[first] if first >= 0 else 0
        self._states[k] = state
        return None


@lru_cache(maxsize=65_536)
def _letters(char: str) -> bytes:
    return fold_char(char).encode()
