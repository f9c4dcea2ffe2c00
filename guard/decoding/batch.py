"""The rows of a batch, and what each of them may not say next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.decoding.request_args import Backtracking
from guard.decoding.restriction import Place, Restriction
from guard.decoding.rows import RowTable
from guard.decoding.vocabulary import Vocabulary

_NONE = np.zeros(0, np.int64)


class Heading(NamedTuple):
    """A row that says `token` instead where half of its mass lies on ids that complete a phrase it has begun."""

    row: int
    token: int
    completing: NDArray[np.int64]


class Masks(NamedTuple):
    """What to do to a batch of logits; the arrays are int64.

    rows, tokens  the cells to forbid, side by side
    past          the first column past the vocabulary: from there on restricted rows are forbidden everything
    restricted    the rows that may not say everything; one with no token left must be closed
    closed        the rows that may only end
    headings      the rows that may be heading into a phrase, and are to be begun anew
    """

    rows: NDArray[np.int64]
    tokens: NDArray[np.int64]
    past: int
    restricted: NDArray[np.int64]
    closed: NDArray[np.int64]
    headings: tuple[Heading, ...] = ()


@dataclass(slots=True)
class _Row:
    """A row under its own restrictions and those that hold for every row."""

    own: tuple[Restriction, ...]
    prompt: Sequence[int]
    output: Sequence[int]
    rewind: Backtracking | None = None
    restrictions: tuple[Restriction, ...] = ()
    places: list[Place] | None = None
    consumed: int = 0

    def stand(self, standing: Sequence[Restriction]) -> None:
        """Restrict what comes next by the row's own restrictions and these."""
        self.restrictions = (*self.own, *(one for one in standing if one not in self.own))
        self.places = None

    def banned(self) -> list[NDArray[np.int64]]:
        """Return what may not come next, in parts; raises ValueError when the output is not known in full."""
        places, length = self.places, len(self.output)
        if places is None or length < self.consumed:
            places = [r.place(r.resume(self.prompt, self.output)) for r in self.restrictions]
        else:
            for token in self.output[self.consumed : length]:
                places = [r.after(place, token) for r, place in zip(self.restrictions, places, strict=True)]
        self.places, self.consumed = places, length
        # Most rows, at most steps, have nothing to forbid.
        banned = [place.banned for place in places if len(place.banned)]
        if self.rewind is not None:
            banned.append(np.array([self.rewind.token, *([] if length else self.rewind.avoided)]))
        return banned

    def heading(self, index: int) -> Heading | None:
        """Return how the row gives itself up where it heads into a phrase; at its first token it has none."""
        if self.rewind is None or not self.consumed or self.places is None:
            return None
        # Once each: the mass of what two phrases share is one mass.
        completing = np.unique(np.concatenate([place.completing for place in self.places]))
        return Heading(index, self.rewind.token, completing) if len(completing) else None


class Batch(RowTable[_Row]):
    """The rows of a batch by their index, each free, restricted or closed.

    Fails closed: whatever goes wrong with a row closes that row, and only what kind of error it was is logged.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._standing: tuple[Restriction, ...] = ()

    def stand(self, standing: Sequence[Restriction]) -> None:
        """Restrict by these every row that is here or will be, in place of those given before."""
        self._standing = tuple(standing)
        for row in self.rows.values():
            if row is not None:
                row.stand(self._standing)

    def put(
        self,
        index: int,
        restrictions: Sequence[Restriction],
        prompt: Sequence[int],
        output: Sequence[int],
        rewind: Backtracking | None = None,
    ) -> None:
        """Follow a row after `prompt`. `output` is the live list of its generated tokens, read in `masks`."""
        row = self.rows[index] = _Row(tuple(restrictions), prompt, output, rewind)
        row.stand(self._standing)

    def masks(self, width: int) -> Masks:
        """Return what to forbid in logits of `width` columns, after reading on in the outputs.

        Ids without a token are forbidden in restricted rows, be they absent from the vocabulary or past it.
        """
        rows: list[int] = []
        parts: list[NDArray[np.int64]] = []
        headings: list[Heading] = []
        restricted: list[int] = []
        absent = [self._vocabulary.absent] if len(self._vocabulary.absent) else []
        for index, row in self.rows.items():
            if row is None or not row.restrictions:
                continue
            try:
                banned = row.banned() + absent
            except Exception as error:
                self.close(index, error)
                continue
            restricted.append(index)
            parts += banned
            rows += [index] * len(banned)
            if (heading := row.heading(index)) and heading.token < width:
                headings.append(heading)
        token = np.concatenate(parts) if parts else _NONE
        row_of = np.repeat(np.array(rows, np.int64), [len(part) for part in parts]) if parts else _NONE
        if width < len(self._vocabulary):
            row_of, token = row_of[token < width], token[token < width]
            headings = [h._replace(completing=h.completing[h.completing < width]) for h in headings]
        closed = [index for index, row in self.rows.items() if row is None]
        past = min(width, len(self._vocabulary))
        arrays = np.array(restricted, np.int64), np.array(closed, np.int64)
        return Masks(row_of, token, past, *arrays, tuple(headings))
