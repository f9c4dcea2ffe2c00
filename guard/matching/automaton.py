"""Forbidden phrases as one Aho-Corasick automaton in compact arrays: a path-compressed trie with its fail links.

Following a fail link leads to the longest proper suffix of the text read that is also a prefix of a phrase. Only
states where phrases part have a row with the outcome for every symbol. The others, some nine of ten, follow one
another as the bytes of a phrase do: one symbol leads to the next state, the others to the outcome in a row that is
shared. So a byte costs a comparison and one look-up.

The automaton reads the UTF-8 bytes of folded text. Bytes keep the alphabet, and so the width of the rows, below
some 150 symbols whatever scripts the phrases are written in; for phrases in Latin it is 37.
UTF-8 is self-synchronising, so a match of bytes is a match of characters.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import chain
from operator import length_hint
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.matching import automaton_file
from guard.matching.patterns import Exemption, collapsed, patterns_of
from guard.matching.patterns import read as read_text
from guard.matching.table import Table, compile_table
from guard.text.borders import BORDER, crosses_borders, needs_border
from guard.trie.failure_links import STAY
from guard.trie.state_layout import NO_SYMBOL

_BORDER_BYTE = ord(BORDER)
# A border, and a symbol that is in no phrase.
_END = f"{BORDER}\0".encode()


class Occurrence(NamedTuple):
    """A phrase found in a text: its index in `folded_phrases`, and the raw characters [start, end)."""

    phrase: int
    start: int
    end: int


class Automaton:
    """Finds any of a set of phrases in a stream of text, whatever its spelling, case or spacing.

    Immutable. State 0 is the start. Arrays by state:
        symbol     uint8 [states]  the symbol that leads to the state after this one, or NO_SYMBOL
        row        int32 [states]  the row of `cells` that has the next states for other symbols
        depth      int16 [states]  bytes of the longest phrase prefix that the text ends with
        lead       bool  [states]  whether that prefix begins with a border
        accepting  bool  [states]  a phrase ends here
    cells  int32 [rows, width]  the next state by symbol, or STAY; symbol 0 is every byte that is in no phrase. The
           first `top` rows are those of the first `top` states, and have no STAY
    Of the accepting states, `ends` int32, ascending: the `phrase` int32 spelt by the path from the start, or -1,
    and the dictionary suffix `link` int32, the next shorter state that spells a phrase, or 0.
    The last `late` states end a phrase that was said before, inside a text that could have exempted it: `late` is
    int32 [late states], bytes of the phrase, and their depth is counted from its beginning.
    `symbols` maps a byte to its symbol, for bytes.translate; `digest` identifies the set of folded phrases.

    bordered  the automaton of the phrases that are only found between word borders, None if there are none. It
              reads folded text with its borders (guard.text.borders), and is part of this one: of the methods,
              only `matches` looks into it. Who follows states follows those of all `parts`
    borders   whether this automaton is such a one
    """

    def __init__(self, digest: str, arrays: Table, bordered: Automaton | None = None) -> None:
        self.digest = digest
        self.arrays = arrays
        self.symbols, self.late = arrays.symbols, arrays.late
        self.depth, self.accepting = arrays.depth, arrays.accepting
        self.bordered = bordered
        self.borders = self.symbols[_BORDER_BYTE] != 0
        self.width = int(arrays.cells.shape[1])
        # Python reads single cells of a memoryview several times faster than those of an array.
        self.depths: memoryview[int] = self.depth.data
        self._symbol: memoryview[int] = arrays.symbol.data
        self._accepting: memoryview[int] = arrays.accepting.view(np.uint8).data
        self._lead: memoryview[int] = arrays.lead.view(np.uint8).data
        self._ends: memoryview[int] = arrays.ends.data
        cells, row = arrays.cells.reshape(-1).data, arrays.row.data
        self._walked = cells, self._symbol, row, self._accepting, self.width, arrays.top
        self.initial = self.run(0, BORDER.encode())
        """The state at the beginning of a text, which counts as a border."""

    @classmethod
    def compile(
        cls,
        phrases: Collection[str],
        bordered: Collection[str] = (),
        exemptions: Iterable[Exemption] = (),
        within_words: Collection[str] = (),
    ) -> Automaton:
        """Return the automaton of these phrases; equal sets of folded phrases give equal automata.

        `bordered` are those that are only found between word borders, `within_words` those that are found anywhere
        but across one. Raises InvalidTarget as `folded_phrases` does.
        """
        plain, between = sets = patterns_of(phrases, bordered, exemptions, within_words)
        digest = automaton_file.digest_of(sets)
        inner = cls(digest, compile_table(between)) if between.phrases else None
        return cls(digest, compile_table(plain), inner)

    @classmethod
    def forbidding(cls, phrases: Iterable[str], exemptions: Iterable[Exemption] = ()) -> Automaton:
        """Return the automaton of forbidden phrases: those that `needs_border` names are bordered, and those that
        `crosses_borders` names are not found across them.

        Raises InvalidTarget as `folded_phrases` does.
        """
        distinct = set(phrases)
        between = {phrase for phrase in distinct if needs_border(phrase)}
        within = {phrase for phrase in distinct - between if crosses_borders(phrase)}
        return cls.compile(distinct - between - within, between, exemptions, within)

    @classmethod
    def attach(cls, folder: Path, digest: str) -> Automaton:
        """Map the automaton that `save` wrote into `folder`; nothing is copied.

        Raises PolicyUnavailable when the file is missing, incomplete, or not what its name says.
        """
        arrays, *inner = automaton_file.read(folder, digest)
        return cls(digest, arrays, cls(digest, inner[0]) if inner else None)

    def save(self, folder: Path) -> Path:
        """Write `<digest>.automaton` into `folder` atomically and return its path.

        The file contains the phrases, so only its owner may read it.
        Raises PolicyUnavailable when it cannot be written.
        """
        parts = [self] if self.bordered is None else [self, self.bordered]
        return automaton_file.write(folder, self.digest, [part.arrays for part in parts])

    @property
    def parts(self) -> tuple[Automaton, ...]:
        """This automaton and the bordered one, without those that have no phrases."""
        return tuple(part for part in (self, self.bordered) if part is not None and len(part) > 1)

    def __len__(self) -> int:
        """Return the number of states."""
        return len(self.depth)

    def __repr__(self) -> str:
        return f"Automaton({self.digest[:12]}, states={len(self)}, symbols={self.width})"

    @property
    def first_late(self) -> int:
        """The first of the late states, see the class."""
        return len(self) - len(self.late)

    @cached_property
    def max_depth(self) -> int:
        """Bytes of the longest phrase: a state depends on no more than this many last bytes."""
        return int(self.depth.max())

    def read(self, text: str) -> bytes:
        """Return the bytes that this automaton reads of `text`."""
        return read_text(text, borders=self.borders)

    def step(self, state: int, char: str) -> int:
        """Return the state after one more character of raw text."""
        return self.run(state, self.read(char))

    def feed(self, state: int, text: str) -> int:
        """Return the state after `text`."""
        return self.run(state, self.read(text))

    def run(self, state: int, folded: bytes) -> int:
        """Return the state after the bytes of text, as `read` returns them."""
        cells, symbol_of, row, _, width, top = self._walked
        for symbol in folded.translate(self.symbols):
            if state < top:
                state = cells[state * width + symbol]
            elif symbol_of[state] == symbol:
                state += 1
            elif (following := cells[row[state] * width + symbol]) != STAY:
                state = following
        return state

    def run_to_end(self, state: int, folded: bytes) -> int | None:
        """Return the state after the bytes of text, or None if a phrase ends in them."""
        if not folded:
            return state
        state = self._run_to_end(state, iter(folded.translate(self.symbols)))
        return None if self._accepting[state] else state

    def _run_to_end(self, state: int, symbols: Iterator[int]) -> int:
        """Return the first state that accepts, or the last one, leaving the further symbols; else as `run`."""
        cells, symbol_of, row, accepting, width, top = self._walked
        for symbol in symbols:
            if state < top:
                state = cells[state * width + symbol]
            elif symbol_of[state] == symbol:
                state += 1
            elif (following := cells[row[state] * width + symbol]) != STAY:
                state = following
            if accepting[state]:
                break
        return state

    def follow(self, states: NDArray[np.integer[Any]], symbols: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
        """Return the states after `states` by the symbols of the same indices."""
        symbol, row, cells = self.arrays.symbol, self.arrays.row, self.arrays.cells
        following = cells[row[states], symbols]
        np.copyto(following, states + 1, where=symbol[states] == symbols, casting="same_kind")
        return np.where(following == STAY, states, following) if self.borders else following

    def follow_all(self, states: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """Return the states after a few states by every symbol: int32 [states, width]."""
        following = self.arrays.cells.take(self.arrays.row.take(states), axis=0)
        # There are few: arrays would take longer.
        for number, state in enumerate(states.tolist()):
            if (symbol := self._symbol[state]) != NO_SYMBOL:
                following[number, symbol] = state + 1
        return np.where(following == STAY, states[:, None], following) if self.borders else following

    def seeded(self, folded: bytes) -> int:
        """Return the state after all the text before, as `read` returns it.

        Phrases that lie entirely in that text do not count any more.
        """
        if self.borders:
            folded = collapsed(folded)
        if not self.max_depth or len(folded) <= self.max_depth:
            return self.without_end(self.run(self.initial, folded))
        return self.without_end(self.run(0, folded[-self.max_depth :]))

    def ends_text(self, state: int) -> bool:
        """Whether a phrase ends if the text ends here: the end is a border, and completes no text that exempts."""
        after_border = self.run(state, _END[:1])
        return bool(self._accepting[after_border] or self._accepting[self.run(after_border, _END[1:])])

    def without_end(self, state: int) -> int:
        """Return the state from which the text goes on without the phrase that would end here, if there is one."""
        if not self.ends_text(state):
            return state
        state = self.run(state, 2 * _END[:1])
        # In the middle of a text that exempts, the matches in progress are given up with the phrase.
        return self.initial if not self.borders or self.ends_text(state) else state

    def lead(self, state: int) -> int:
        """Return how many bytes of the depth of `state` come before a letter: 1 if it begins with a border."""
        return self._lead[state]

    def output_states(self, state: int) -> Iterator[int]:
        """Yield the states, longest first, whose phrases end in `state`: its dictionary suffix chain."""
        if not self._accepting[state]:
            return
        at = bisect_left(self._ends, state)
        if self.arrays.phrase[at] < 0:
            state = int(self.arrays.link[at])
        while state:
            yield state
            state = int(self.arrays.link[bisect_left(self._ends, state)])

    def phrase_at(self, state: int) -> int:
        """Return the phrase that the path from the start to this accepting state spells, or -1."""
        return int(self.arrays.phrase[bisect_left(self._ends, state)])

    def matches(self, text: str) -> list[Occurrence]:
        """Return every occurrence of every phrase, overlapping ones included, by end, longest first."""
        found = self._found(text)
        if self.bordered is None and not len(self.late):
            return list(found)
        within = self.bordered._found(text) if self.bordered else ()
        return sorted([*found, *within], key=lambda one: (one.end, one.start))

    def _found(self, text: str) -> Iterator[Occurrence]:
        # The character that each byte read comes from, and the byte; repeated borders count as one.
        starts: list[int] = []
        read = bytearray()
        if self.borders:
            starts, read = [0], bytearray([_BORDER_BYTE])
        ending = [(len(text), _END)] if self.borders or len(self.late) else []
        for index, folded in chain(enumerate(map(self.read, text)), ending):
            for byte in folded:
                if not self.borders or byte != _BORDER_BYTE or read[-1] != _BORDER_BYTE:
                    starts.append(index)
                    read.append(byte)
        symbols, state = iter(read.translate(self.symbols)), 0
        while length_hint(symbols):
            state = self._run_to_end(state, symbols)
            seen = len(read) - length_hint(symbols)
            for output in self.output_states(state):
                first, last = self._span(output, read, seen)
                yield Occurrence(self.phrase_at(output), starts[first], starts[last] + 1)

    def _span(self, output: int, read: bytearray, end: int) -> tuple[int, int]:
        """Return the first and the last byte of the phrase of the state `output`, which ends before byte `end`."""
        first = end - self.depths[output]
        late = output - self.first_late
        if late < 0:
            # A border before the phrase, if there is one, is also after it.
            return first + self.lead(output), end - 1 - self.lead(output)
        letters = [at for at in range(first, end) if not self.borders or read[at] != _BORDER_BYTE]
        return letters[0], letters[int(self.late[late]) - 1]
