"""GUARD's soft matching as one sparse logit bias per target, computed before anything is decoded.

GUARD embeds every candidate token at every step: c is its greatest cosine with a forbidden phrase; a candidate
with c >= delta is pruned, and any other loses c (arXiv 2505.13312, and its re-implementation). Neither depends on
the text before, so all of it is one matrix product.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.errors import PolicyUnavailable
from guard.files import write_atomically

PRUNE_COSINE = 0.5
NATS_PER_COSINE = 1.0
_CELL = np.dtype([("token", "<i4"), ("value", "<f4")])


class Bias(NamedTuple):
    """Logit biases of some tokens: ids int64 [n] and values float32 [n], -inf to forbid a token."""

    tokens: NDArray[np.int64]
    values: NDArray[np.float32]

    @property
    def digest(self) -> str:
        """The sha256 that names this bias."""
        return hashlib.sha256(self._cells().tobytes()).hexdigest()

    def save(self, folder: Path) -> str:
        """Write `<digest>.bias` into `folder` atomically and return the digest.

        Raises PolicyUnavailable when it cannot be written.
        """
        digest = self.digest
        try:
            # Not durable: a server writes every bias that it uses when it starts.
            cells = self._cells().tobytes()
            write_atomically(folder / f"{digest}.bias", cells, durable=False, private=True)
        except OSError as error:
            raise PolicyUnavailable("a soft match cannot be written") from error
        return digest

    @classmethod
    def load(cls, folder: Path, digest: str) -> Bias:
        """Return the bias of this digest; PolicyUnavailable when its file is missing or damaged."""
        try:
            content = (folder / f"{digest}.bias").read_bytes()
        except OSError as error:
            raise PolicyUnavailable("a soft match is missing") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise PolicyUnavailable("a soft match is damaged")
        cells = np.frombuffer(content, _CELL)
        return cls(cells["token"].astype(np.int64), cells["value"].copy())

    def _cells(self) -> NDArray[np.void]:
        cells = np.empty(len(self.tokens), _CELL)
        cells["token"], cells["value"] = self.tokens, self.values
        return cells


def closeness(vectors: NDArray[np.float32], forbidden: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each vector's greatest cosine with a forbidden one, float32 [n]; all are unit vectors."""
    if not len(forbidden):
        return np.zeros(len(vectors), np.float32)
    close: NDArray[np.float32] = (np.asarray(vectors) @ forbidden.T).max(axis=1)
    return close


def bias_of(
    tokens: NDArray[np.int64],
    close: NDArray[np.float32],
    delta: float = PRUNE_COSINE,
    weight: float = NATS_PER_COSINE,
) -> Bias:
    """Return the bias of tokens int64 [n], given their closeness float32 [n]; others get none."""
    near = close > 0
    values = np.where(close >= delta, -np.inf, -weight * close).astype(np.float32)
    return Bias(tokens[near], values[near])
