"""Forbidden phrases as one Aho-Corasick automaton in arrays, with its fail links compiled into the table.

Following a fail link leads to the longest proper suffix of the text read that is also a prefix of a phrase. Here
every state's row already holds the outcome of following them, so that each byte costs one look-up.

The automaton reads the UTF-8 bytes of folded text. Bytes keep the alphabet, and so the width of the dense
table, below some 150 symbols whatever scripts the phrases are written in; for phrases in Latin it is 37.
UTF-8 is self-synchronising, so a match of bytes is a match of characters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from guard.matching import automaton_file
from guard.matching.patterns import Exemption, Patterns, collapsed, patterns_of
from guard.matching.patterns import read as read_text
from guard.matching.table import Table, compile_table
from guard.text.borders import BORDER, needs_border

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

    Immutable. State 0 is the start. Arrays, all indexed by state:
        table      int32 [states, symbols]  next state; symbol 0 is every byte that is in no phrase
        depth      int16 [states]           bytes of the longest phrase prefix that the text ends with
        accepting  bool  [states]           a phrase ends here
        phrase     int32 [states]           the phrase spelt by the path from the start to here, or -1
        link       int32 [states]           dictionary suffix link: the next shorter state that ends a phrase, or 0
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
        self.symbols, self.table, self.depth, self.accepting, self.phrase, self.link, self.late = arrays
        self.bordered = bordered
        self.borders = self.symbols[_BORDER_BYTE] != 0
        self.width = int(self.table.shape[1])
        # Python reads single cells of a memoryview several times faster than those of an array.
        self.cells: memoryview[int] = self.table.reshape(-1).data
        self.ends: memoryview[int] = self.accepting.view(np.uint8).data
        self.depths: memoryview[int] = self.depth.data
        self.initial = self.run(0, BORDER.encode())
        """The state at the beginning of a text, which counts as a border."""

    @classmethod
    def compile(
        cls, phrases: Collection[str], bordered: Collection[str] = (), exemptions: Iterable[Exemption] = ()
    ) -> Automaton:
        """Return the automaton of these phrases; equal sets of folded phrases give equal automata.

        `bordered` are those that are only found between word borders. Raises InvalidTarget as `folded_phrases`
        does.
        """
        plain, between = patterns_of(phrases, bordered, exemptions)
        digest = _digest(plain, between)
        inner = cls(digest, compile_table(between)) if between.phrases else None
        return cls(digest, compile_table(plain), inner)

    @classmethod
    def forbidding(cls, phrases: Iterable[str], exemptions: Iterable[Exemption] = ()) -> Automaton:
        """Return the automaton of forbidden phrases: those that `needs_border` names are bordered.

        Raises InvalidTarget as `folded_phrases` does.
        """
        distinct = set(phrases)
        between = {phrase for phrase in distinct if needs_border(phrase)}
        return cls.compile(distinct - between, between, exemptions)

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
    def arrays(self) -> Table:
        """The arrays, as `guard.matching.table` compiles them."""
        return Table(self.symbols, self.table, self.depth, self.accepting, self.phrase, self.link, self.late)

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
        cells, width = self.cells, self.width
        for symbol in folded.translate(self.symbols):
            state = cells[state * width + symbol]
        return state

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
        return bool(self.ends[after_border] or self.ends[self.run(after_border, _END[1:])])

    def without_end(self, state: int) -> int:
        """Return the state from which the text goes on without the phrase that would end here, if there is one."""
        if not self.ends_text(state):
            return state
        state = self.run(state, 2 * _END[:1])
        # In the middle of a text that exempts, the matches in progress are given up with the phrase.
        return self.initial if not self.borders or self.ends_text(state) else state

    def output_states(self, state: int) -> Iterator[int]:
        """Yield the states, longest first, whose phrases end in `state`: its dictionary suffix chain."""
        if self.phrase[state] < 0:
            state = int(self.link[state])
        while state:
            yield state
            state = int(self.link[state])

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
        seen = bytearray()
        state = self.initial
        if self.borders:
            starts, seen = [0], bytearray([_BORDER_BYTE])
        ending = [(len(text), _END)] if self.borders or len(self.late) else []
        for index, folded in chain(enumerate(map(self.read, text)), ending):
            for byte in folded:
                state = self.cells[state * self.width + self.symbols[byte]]
                if self.borders and byte == _BORDER_BYTE == seen[-1]:
                    continue
                starts.append(index)
                seen.append(byte)
                if self.ends[state]:
                    for output in self.output_states(state):
                        first, last = self._span(output, seen)
                        yield Occurrence(int(self.phrase[output]), starts[first], starts[last] + 1)

    def _span(self, output: int, seen: bytearray) -> tuple[int, int]:
        """Return the first and the last byte, of those seen, of the phrase that ends in the state `output`."""
        first = len(seen) - int(self.depth[output])
        late = output - self.first_late
        if late < 0:
            return (first + 1, len(seen) - 2) if self.borders else (first, len(seen) - 1)
        letters = [at for at in range(first, len(seen)) if not self.borders or seen[at] != _BORDER_BYTE]
        return letters[0], letters[int(self.late[late]) - 1]


def _digest(plain: Patterns, between: Patterns) -> str:
    digest = hashlib.sha256(automaton_file.MAGIC)
    for patterns in (plain, between):
        digest.update(b"\0".join(sorted(patterns.phrases)))
        for text, numbers in sorted(patterns.exempt.items()):
            allowed = sorted(spelt for spelt, number in patterns.phrases.items() if number in numbers)
            digest.update(b"\0\0" + text + b"\0" + b"\0".join(allowed))
        digest.update(b"\0\0\0")
    return digest.hexdigest()
