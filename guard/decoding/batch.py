"""The token masks of a batch: its rows, and the tokens that each of them must not generate next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from guard.decoding.request_args import Backtracking
from guard.decoding.restriction import MaskState, Restriction
from guard.decoding.rows import LogitsRow, RowTable
from guard.decoding.vocabulary import Vocabulary

_NONE = np.zeros(0, np.int64)


class AbortCandidate(NamedTuple):
    """A row that must emit `token` (abort) where the ids `completing`, int64, are likely (guard.decoding.masking).

    Each of them would complete a phrase already begun.
    """

    row: int
    token: int
    completing: NDArray[np.int64]


class Masks(NamedTuple):
    """What to do to a batch of logits; the arrays are int64.

    rows, tokens      the cells to forbid, in parallel
    past              the first column past the vocabulary: restricted rows may hold none from there on
    restricted        the rows with forbidden tokens
    closed            the rows that may only end
    exhaustible       those of `restricted` that may have lost all their tokens, and must then be closed: a phrase
                      forbids some. Ids without a token, unused bytes and an abort token are never all that is left
    unfinished        [rows] those in the middle of a character, after which few tokens may come
    allowed           [rows, ids] all that may come next in each of `unfinished`, some ids repeated
    abort_candidates  the rows that may have to abort, so that the server backtracks
    """

    rows: NDArray[np.int64]
    tokens: NDArray[np.int64]
    past: int
    restricted: NDArray[np.int64]
    closed: NDArray[np.int64]
    exhaustible: NDArray[np.int64] = _NONE
    unfinished: NDArray[np.int64] = _NONE
    allowed: NDArray[np.int64] = _NONE
    abort_candidates: tuple[AbortCandidate, ...] = ()


@dataclass(slots=True)
class _RestrictedRow:
    """A row under the restrictions of its request and the global ones, which hold for every row."""

    requested: tuple[Restriction, ...]
    prompt: Sequence[int]
    output: Sequence[int]
    backtracking: Backtracking | None = None
    prints_special: bool = False
    policy_set: str = ""
    restrictions: tuple[Restriction, ...] = ()
    states: list[MaskState] | None = None
    consumed: int = 0

    def set_global(self, restrictions: Sequence[Restriction]) -> None:
        """Restrict what comes next by the request's own restrictions and these."""
        both = (*self.requested, *(one for one in restrictions if one not in self.requested))
        self.restrictions = tuple(one.printed for one in both) if self.prints_special else both
        self.states = None

    def read(self) -> list[MaskState]:
        """Return the state of each restriction after the output; raises ValueError if that has unknown ids."""
        states, length = self.states, len(self.output)
        if states is None or length < self.consumed:
            states = [r.state(r.resume(self.prompt, self.output)) for r in self.restrictions]
        else:
            for token in self.output[self.consumed : length]:
                states = [r.next_state(state, token) for r, state in zip(self.restrictions, states, strict=True)]
        self.states, self.consumed = states, length
        return states

    def after(self, drafts: tuple[int, ...]) -> _RestrictedRow:
        """Return this row as it is after draft tokens, which are not part of its output yet."""
        return replace(self, output=[*self.output, *drafts]) if drafts else self

    def avoided(self) -> NDArray[np.int64]:
        """Return the ids that may not be the next token although they complete no phrase."""
        if self.backtracking is None:
            return _NONE
        rejected = () if len(self.output) else self.backtracking.avoided
        if not rejected and not self.backtracking.barred:
            return _NONE
        barred = np.array(self.backtracking.barred, np.int64)
        if not rejected or self.states is None:
            return barred
        both = zip(self.restrictions, self.states, strict=True)
        return np.concatenate([barred, rejected, *(one.avoided(state.cursor, rejected) for one, state in both)])

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
        self._of_sets: Mapping[str, Sequence[Restriction]] = {}

    def set_global(
        self, restrictions: Sequence[Restriction], of_sets: Mapping[str, Sequence[Restriction]] | None = None
    ) -> None:
        """Set the restrictions that hold for every present and future row, replacing those set before.

        `of_sets` has, by the id of a policy set, those that hold for its rows instead.
        """
        self._global, self._of_sets = tuple(restrictions), of_sets or {}
        for row in self.rows.values():
            if row is not None:
                row.set_global(self._of_sets.get(row.policy_set, self._global))

    def put(
        self,
        index: int,
        restrictions: Sequence[Restriction],
        prompt: Sequence[int],
        output: Sequence[int],
        backtracking: Backtracking | None = None,
        *,
        prints_special: bool = False,
        policy_set: str = "",
    ) -> None:
        """Follow a row after `prompt`. `output` is the live list of its generated tokens, read in `masks`.

        `prints_special`: the answer shows special tokens, so that their text counts. `policy_set`: the id of the
        policy set that the request has, if any.
        """
        row = _RestrictedRow(tuple(restrictions), prompt, output, backtracking, prints_special, policy_set)
        self.rows[index] = row
        row.set_global(self._of_sets.get(policy_set, self._global))

    def expanded(self, logits_rows: Sequence[LogitsRow]) -> Self:
        """Return the batch of these rows of logits, by their position, after reading the outputs.

        A row whose output cannot be read is closed here too; one with a draft that cannot be read only there.
        """
        for request in {row.request for row in logits_rows}:
            self._read(request)
        return super().expanded(logits_rows)

    def _after(self, row: _RestrictedRow, drafts: tuple[int, ...]) -> _RestrictedRow:
        return row.after(drafts)

    def restricts(self, indices: Sequence[int]) -> bool:
        """Return whether any of these rows is restricted or closed now."""
        return any(index in self.rows and _restricts(self.rows[index]) for index in indices)

    def _read(self, index: int) -> tuple[_RestrictedRow, list[MaskState]] | None:
        """Return a restricted row and its states; None for others, and for one that cannot be read: it closes."""
        row = self.rows.get(index)
        if row is None or not row.restrictions:
            return None
        try:
            return row, row.read()
        except Exception as error:
            self.close(index, error)
            return None

    def masks(self, width: int) -> Masks:
        """Return what to forbid in logits of `width` columns, after reading the new tokens of the outputs.

        Ids without a token, whether gaps in the vocabulary or past its end, are forbidden in restricted rows.
        """
        vocabulary, cells = self._vocabulary, _Cells([], [])
        restricted: list[int] = []
        exhaustible: list[int] = []
        unfinished: dict[int, NDArray[np.int64]] = {}
        candidates: list[AbortCandidate] = []
        for index in self.rows:
            if (found := self._read(index)) is None:
                continue
            row, states = found
            restricted.append(index)
            # Most rows, at most steps, have no phrase to forbid.
            if any([cells.add(index, state.forbidden) for state in states] + [cells.add(index, row.avoided())]):
                exhaustible.append(index)
            if (allowed := states[0].allowed) is None:
                cells.add(index, vocabulary.unused)
            else:
                unfinished[index] = allowed
            if row.backtracking is not None:
                cells.add(index, np.array([row.backtracking.token]))
            if (candidate := row.abort_candidate(index)) and candidate.token < width:
                candidates.append(candidate)
        row_of, token = cells.arrays()
        if width < len(vocabulary):
            row_of, token = row_of[token < width], token[token < width]
            unfinished = {index: allowed[allowed < width] for index, allowed in unfinished.items()}
            candidates = [c._replace(completing=c.completing[c.completing < width]) for c in candidates]
        return Masks(
            row_of,
            token,
            min(width, len(vocabulary)),
            np.array(restricted, np.int64),
            np.array([index for index, row in self.rows.items() if row is None], np.int64),
            np.array(exhaustible, np.int64),
            np.array(list(unfinished), np.int64),
            _rectangular(list(unfinished.values())),
            tuple(candidates),
        )


def _restricts(row: _RestrictedRow | None) -> bool:
    return row is None or bool(row.restrictions)


class _Cells(NamedTuple):
    """Cells to forbid: a row for each part of the tokens."""

    rows: list[int]
    parts: list[NDArray[np.int64]]

    def add(self, row: int, tokens: NDArray[np.int64]) -> bool:
        """Forbid these tokens in a row; return whether there are any."""
        if not len(tokens):
            return False
        self.rows.append(row)
        self.parts.append(tokens)
        return True

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the row and the token of each cell."""
        if not self.parts:
            return _NONE, _NONE
        lengths = [len(part) for part in self.parts]
        return np.repeat(np.array(self.rows, np.int64), lengths), np.concatenate(self.parts)


def _rectangular(lists: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the lists as rows of one length: a shorter one is repeated from its start."""
    length = max(map(len, lists), default=0)
    return np.array([np.resize(one, length) for one in lists], np.int64).reshape(len(lists), length)
