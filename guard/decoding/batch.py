"""The token masks of a batch: its rows, and the tokens that each of them must not generate next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.decoding.request_args import Backtracking
from guard.decoding.restriction import MaskState, Restriction
from guard.decoding.rows import RowTable
from guard.decoding.vocabulary import Vocabulary

_NONE = np.zeros(0, np.int64)


class AbortCandidate(NamedTuple):
    """A row that must emit `token` (abort) when at least half of its probability mass would complete a phrase
    already begun, that is lies on the ids `completing`, int64."""

    row: int
    token: int
    completing: NDArray[np.int64]


class Masks(NamedTuple):
    """What to do to a batch of logits; the arrays are int64.

    rows, tokens      the cells to forbid, in parallel
    past              the first column past the vocabulary: restricted rows may hold none from there on
    restricted        the rows with forbidden tokens; one with no token left must be closed
    closed            the rows that may only end
    abort_candidates  the rows that may have to abort, so that the server backtracks
    only_absent       whether nothing but ids without a token is forbidden: no row can have lost all its tokens
    """

    rows: NDArray[np.int64]
    tokens: NDArray[np.int64]
    past: int
    restricted: NDArray[np.int64]
    closed: NDArray[np.int64]
    abort_candidates: tuple[AbortCandidate, ...] = ()
    only_absent: bool = False


@dataclass(slots=True)
class _RestrictedRow:
    """A row under the restrictions of its request and the global ones, which hold for every row."""

    requested: tuple[Restriction, ...]
    prompt: Sequence[int]
    output: Sequence[int]
    backtracking: Backtracking | None = None
    restrictions: tuple[Restriction, ...] = ()
    states: list[MaskState] | None = None
    consumed: int = 0

    def set_global(self, restrictions: Sequence[Restriction]) -> None:
        """Restrict what comes next by the request's own restrictions and these."""
        self.restrictions = (*self.requested, *(one for one in restrictions if one not in self.requested))
        self.states = None

    def forbidden(self) -> list[NDArray[np.int64]]:
        """Return the ids that may not come next, in parts; raises ValueError if the output has unknown ids."""
        states, length = self.states, len(self.output)
        if states is None or length < self.consumed:
            states = [r.state(r.resume(self.prompt, self.output)) for r in self.restrictions]
        else:
            for token in self.output[self.consumed : length]:
                states = [r.next_state(state, token) for r, state in zip(self.restrictions, states, strict=True)]
        self.states, self.consumed = states, length
        # Most rows, at most steps, have nothing to forbid.
        forbidden = [state.forbidden for state in states if len(state.forbidden)]
        if self.backtracking is not None:
            avoided = () if length else self.backtracking.avoided
            forbidden.append(np.array([self.backtracking.token, *avoided]))
        return forbidden

    def abort_candidate(self, index: int) -> AbortCandidate | None:
        """Return how the row aborts if its next token can complete a phrase; None for its first token."""
        if self.backtracking is None or not self.consumed or self.states is None:
            return None
        # Each id once: the mass of an id that completes two phrases must not be counted twice.
        completing = np.unique(np.concatenate([state.completing for state in self.states]))
        return AbortCandidate(index, self.backtracking.token, completing) if len(completing) else None


class RestrictedBatch(RowTable[_RestrictedRow]):
    """The rows of a batch by their index, each free, restricted or closed.

    Fails closed: any error in a row closes that row, and only the error's type is logged.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._global: tuple[Restriction, ...] = ()

    def set_global(self, restrictions: Sequence[Restriction]) -> None:
        """Set the restrictions that hold for every present and future row, replacing those set before."""
        self._global = tuple(restrictions)
        for row in self.rows.values():
            if row is not None:
                row.set_global(self._global)

    def put(
        self,
        index: int,
        restrictions: Sequence[Restriction],
        prompt: Sequence[int],
        output: Sequence[int],
        backtracking: Backtracking | None = None,
    ) -> None:
        """Follow a row after `prompt`. `output` is the live list of its generated tokens, read in `masks`."""
        row = self.rows[index] = _RestrictedRow(tuple(restrictions), prompt, output, backtracking)
        row.set_global(self._global)

    def masks(self, width: int) -> Masks:
        """Return what to forbid in logits of `width` columns, after reading the new tokens of the outputs.

        Ids without a token, whether gaps in the vocabulary or past its end, are forbidden in restricted rows.
        """
        rows: list[int] = []
        parts: list[NDArray[np.int64]] = []
        candidates: list[AbortCandidate] = []
        restricted: list[int] = []
        absent = [self._vocabulary.absent] if len(self._vocabulary.absent) else []
        only_absent = True
        for index, row in self.rows.items():
            if row is None or not row.restrictions:
                continue
            try:
                forbidden = row.forbidden()
            except Exception as error:
                self.close(index, error)
                continue
            restricted.append(index)
            only_absent = only_absent and not forbidden
            forbidden += absent
            parts += forbidden
            rows += [index] * len(forbidden)
            if (candidate := row.abort_candidate(index)) and candidate.token < width:
                candidates.append(candidate)
        token = np.concatenate(parts) if parts else _NONE
        row_of = np.repeat(np.array(rows, np.int64), [len(part) for part in parts]) if parts else _NONE
        if width < len(self._vocabulary):
            row_of, token = row_of[token < width], token[token < width]
            candidates = [c._replace(completing=c.completing[c.completing < width]) for c in candidates]
        closed = [index for index, row in self.rows.items() if row is None]
        past = min(width, len(self._vocabulary))
        arrays = np.array(restricted, np.int64), np.array(closed, np.int64)
        return Masks(row_of, token, past, *arrays, tuple(candidates), only_absent)
