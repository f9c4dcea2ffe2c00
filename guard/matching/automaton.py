"""Forbidden phrases as one Aho-Corasick automaton in arrays, with its fail links compiled into the table.

Following a fail link leads to the longest proper suffix of the text read that is also a prefix of a phrase. Here
every state's row already holds the outcome of following them, so that each byte costs one look-up.

The automaton reads the UTF-8 bytes of folded text. Bytes keep the alphabet, and so the width of the dense
table, below some 150 symbols whatever scripts the phrases are written in; for phrases in Latin it is 37.
UTF-8 is self-synchronising, so a match of bytes is a match of characters.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.errors import InvalidTarget, PolicyUnavailable
from guard.files import atomic_file
from guard.matching.trie import Trie
from guard.text.normalise import fold, fold_char

MAX_PHRASE_BYTES = 32_767
_MAGIC = b"LETHEAC1"
# Layout of a file: magic and CRC-32; description; padding; the arrays, each aligned.
_FILE_HEADER = struct.Struct("<8sI")
_DESCRIPTION = struct.Struct("<64sQI256s")
_BODY_OFFSET = 384
_ALIGNMENT_BYTES = 64


class Occurrence(NamedTuple):
    """A phrase found in a text: its index in `folded_phrases`, and the raw characters [start, end)."""

    phrase: int
    start: int
    end: int


def folded_phrases(phrases: Iterable[str]) -> list[str]:
    """Return the distinct folds of `phrases`, sorted; an automaton numbers its phrases by this list.

    Raises InvalidTarget for a phrase without letters or digits, or of more than MAX_PHRASE_BYTES bytes.
    """
    folded = {fold(phrase) for phrase in phrases}
    if "" in folded:
        raise InvalidTarget("a phrase has no letter or digit", field="phrases")
    if any(len(phrase.encode()) > MAX_PHRASE_BYTES for phrase in folded):
        raise InvalidTarget("a phrase is too long", field="phrases")
    return sorted(folded)


class Automaton:
    """Finds any of a set of phrases in a stream of text, whatever its spelling, case or spacing.

    Immutable. State 0 is the start. Arrays, all indexed by state:
        table      int32 [states, symbols]  next state; symbol 0 is every byte that is in no phrase
        depth      int16 [states]           bytes of the longest phrase prefix that the text ends with
        accepting  bool  [states]           a phrase ends here
        phrase     int32 [states]           the phrase spelt by the path from the start to here, or -1
        link       int32 [states]           dictionary suffix link: the next shorter state that ends a phrase, or 0
    `symbols` maps a byte to its symbol, for bytes.translate; `digest` identifies the set of folded phrases.
    """

    def __init__(
        self,
        digest: str,
        symbols: bytes,
        table: NDArray[np.int32],
        depth: NDArray[np.int16],
        accepting: NDArray[np.bool_],
        phrase: NDArray[np.int32],
        link: NDArray[np.int32],
    ) -> None:
        self.digest = digest
        self.symbols = symbols
        self.table = table
        self.depth = depth
        self.accepting = accepting
        self.phrase = phrase
        self.link = link
        self.width = int(table.shape[1])
        # Python reads single cells of a memoryview several times faster than those of an array.
        self.cells: memoryview[int] = table.reshape(-1).data
        self.ends: memoryview[int] = accepting.view(np.uint8).data
        self.depths: memoryview[int] = depth.data

    @classmethod
    def compile(cls, phrases: Iterable[str]) -> Automaton:
        """Return the automaton of these phrases; equal sets of folded phrases give equal automata.

        Raises InvalidTarget as `folded_phrases` does.
        """
        return _compile(folded_phrases(phrases))

    @classmethod
    def attach(cls, folder: Path, digest: str) -> Automaton:
        """Map the automaton that `save` wrote into `folder`; nothing is copied.

        Raises PolicyUnavailable when the file is missing, incomplete, or not what its name says.
        """
        try:
            with (folder / f"{digest}.automaton").open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return _read(memoryview(content), digest)
        except (OSError, ValueError, struct.error) as error:
            raise PolicyUnavailable("a compiled policy file is missing or damaged") from error

    def save(self, folder: Path) -> Path:
        """Write `<digest>.automaton` into `folder` atomically and return its path.

        The file contains the phrases, so only its owner may read it.
        Raises PolicyUnavailable when it cannot be written.
        """
        path = folder / f"{self.digest}.automaton"
        try:
            # Durable: after a power cut, a million phrases are mapped again and not compiled again.
            with atomic_file(path, durable=True, private=True) as file:
                file.writelines(_parts(self))
        except OSError as error:
            raise PolicyUnavailable("a compiled policy file cannot be written") from error
        return path

    def __len__(self) -> int:
        """Return the number of states."""
        return len(self.depth)

    def __repr__(self) -> str:
        return f"Automaton({self.digest[:12]}, states={len(self)}, symbols={self.width})"

    @cached_property
    def max_depth(self) -> int:
        """Bytes of the longest phrase: a state depends on no more than this many last bytes."""
        return int(self.depth.max())

    def step(self, state: int, char: str) -> int:
        """Return the state after one more character of raw text."""
        return self.run(state, fold_char(char).encode())

    def feed(self, state: int, text: str) -> int:
        """Return the state after `text`."""
        return self.run(state, fold(text).encode())

    def run(self, state: int, folded: bytes) -> int:
        """Return the state after the UTF-8 bytes of folded text."""
        cells, width = self.cells, self.width
        for symbol in folded.translate(self.symbols):
            state = cells[state * width + symbol]
        return state

    def output_states(self, state: int) -> Iterator[int]:
        """Yield the states, longest first, whose phrases end in `state`: its dictionary suffix chain."""
        if self.phrase[state] < 0:
            state = int(self.link[state])
        while state:
            yield state
            state = int(self.link[state])

    def matches(self, text: str) -> list[Occurrence]:
        """Return every occurrence of every phrase, overlapping ones included, by end, longest first."""
        found: list[Occurrence] = []
        starts: list[int] = []
        state = 0
        for index, char in enumerate(text):
            folded = fold_char(char).encode()
            for byte in folded:
                starts.append(index)
                state = self.cells[state * self.width + self.symbols[byte]]
                if self.ends[state]:
                    found += (
                        Occurrence(int(self.phrase[s]), starts[-int(self.depth[s])], index + 1)
                        for s in self.output_states(state)
                    )
        return found


def _compile(folded: list[str]) -> Automaton:
    encoded = [phrase.encode() for phrase in folded]
    trie = Trie.of(encoded)
    alphabet = np.unique(trie.byte[1:])
    symbols = np.zeros(256, np.uint8)
    symbols[alphabet] = np.arange(1, len(alphabet) + 1)
    table, fail = _transitions(trie, symbols)

    phrase = np.full(len(table), -1, np.int32)
    phrase[trie.ends] = np.arange(len(folded))
    depth = np.zeros(len(table), np.int16)
    link = np.zeros(len(table), np.int32)
    for level, (first, last) in enumerate(trie.levels):
        depth[first:last] = level
        shorter = fail[first:last]
        link[first:last] = np.where(phrase[shorter] >= 0, shorter, link[shorter])
    accepting = (phrase >= 0) | (link > 0)
    digest = hashlib.sha256(_MAGIC + b"\0".join(encoded)).hexdigest()
    return Automaton(digest, symbols.tobytes(), table, depth, accepting, phrase, link)


def _transitions(trie: Trie, symbols: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the table, and each state's fail link: the longest proper suffix of its path that is a state."""
    table = np.zeros((len(trie.parent), int(symbols.max()) + 1), np.int32)
    fail = np.zeros(len(table), np.int32)
    for first, last in trie.levels[1:]:
        parent, symbol = trie.parent[first:last], symbols[trie.byte[first:last]]
        # Read before this level's own edges are written: otherwise a child of the start would fail to itself.
        fail[first:last] = table[fail[parent], symbol]
        table[parent, symbol] = np.arange(first, last)
        table[first:last] = table[fail[first:last]]
    return table, fail


def _parts(automaton: Automaton) -> Iterator[bytes | memoryview]:
    description = _DESCRIPTION.pack(automaton.digest.encode(), len(automaton), automaton.width, automaton.symbols)
    parts: list[bytes | memoryview] = [description, b"\0" * (_BODY_OFFSET - _FILE_HEADER.size - _DESCRIPTION.size)]
    for array in (automaton.table, automaton.depth, automaton.accepting, automaton.phrase, automaton.link):
        parts += [array.reshape(-1).view(np.uint8).data, b"\0" * (-array.nbytes % _ALIGNMENT_BYTES)]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    yield _FILE_HEADER.pack(_MAGIC, checksum)
    yield from parts


def _read(content: memoryview, digest: str) -> Automaton:
    magic, checksum = _FILE_HEADER.unpack_from(content)
    name, states, width, symbols = _DESCRIPTION.unpack_from(content, _FILE_HEADER.size)
    if magic != _MAGIC or name != digest.encode() or zlib.crc32(content[_FILE_HEADER.size :]) != checksum:
        raise ValueError("not the automaton of this digest")
    position = _BODY_OFFSET

    def array(dtype: type[np.generic], columns: int = 1) -> NDArray[Any]:
        nonlocal position
        part = np.frombuffer(content, dtype, states * columns, position)
        position += part.nbytes + -part.nbytes % _ALIGNMENT_BYTES
        return part

    table = array(np.int32, width).reshape(states, width)
    rest = array(np.int16), array(np.bool_), array(np.int32), array(np.int32)
    if position != len(content):
        raise ValueError("trailing bytes")
    return Automaton(digest, symbols, table, *rest)
