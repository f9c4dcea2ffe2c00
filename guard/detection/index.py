"""Which forget targets are close to a text: their vectors in a FAISS index, and recent ones in another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from guard.detection.embedder import Vectors
from guard.tiers import Tiers

Ids = NDArray[np.int64]

# Up to this many rows, search is exact; above, it looks into the PROBED_CELLS cells nearest to the question.
MAX_EXACT_ROWS = 20_000
PROBED_CELLS = 32
# Rows of targets that are looked at although they only come nearly as near as asked.
MOST_NEARLY = 16
TIER_ROWS = (4_096, 1_024, 128)
"""Rows in each tier of those that came later, see guard.tiers."""


class Nearest(NamedTuple):
    """The index of the target's row nearest to a text, and its cosine; -1 and 0 without a text or a row."""

    row: int
    cosine: float


class TargetIndex:
    """An immutable inner-product index: several unit vectors (rows) for each target.

    Most rows are in an index that successors share; those that were added later are in up to three smaller ones,
    so that the cost of a change is in proportion to it. With more than MAX_EXACT_ROWS in the first the search is
    by inverted lists, and a row at the threshold may be missed: docs/detector.md has the measured share.
    Thread-safe. FAISS runs single-threaded in each thread that calls it.
    """

    def __init__(self, tiers: Tiers[Vectors, _Rows]) -> None:
        self._tiers = tiers

    @classmethod
    def build(cls, rows: Mapping[str, Vectors]) -> TargetIndex:
        """Return the index of `rows`: by target id, float32 [n, dimension] unit vectors."""
        return cls(Tiers(_rows, TIER_ROWS, len)).with_changes(rows, ())

    def with_changes(self, added: Mapping[str, Vectors], removed: Collection[str]) -> TargetIndex:
        """Return a new index without `removed` and with `added`; a target in both is replaced.

        Raises ValueError when a target would be in the index twice or `removed` names one that is not.
        """
        leaving = set(removed)
        if any(target not in self for target in leaving) or any(
            target in self and target not in leaving for target in added
        ):
            raise ValueError("an index holds a target once, and removes only what it holds")
        return TargetIndex(self._tiers.with_changes(added, leaving)) if added or leaving else self

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self._tiers)

    def __contains__(self, target: str) -> bool:
        return self._tiers.holding(target) is not None

    @property
    def rows(self) -> int:
        """The number of rows that are searched, those of removed targets included."""
        return sum(int(tier.part.starts[-1]) for tier in self._tiers.tiers)

    def near(self, vectors: Vectors, threshold: float, nearly: float | None = None) -> dict[str, float]:
        """Return each target with a row whose cosine to one of `vectors` is `threshold` or more, and the best.

        With `nearly`, a lower cosine, also the targets of the MOST_NEARLY best rows between the two.
        """
        least = threshold if nearly is None else nearly
        found = dict[str, float]()
        for tier in self._tiers.tiers if len(vectors) else ():
            best = tier.part.near(vectors, threshold, least)
            found |= {target: cosine for target, cosine in best.items() if target not in tier.dropped}
        return found

    def cosine(self, vectors: Vectors, target: str) -> float:
        """Return the best cosine of any of `vectors` to any row of `target`; 0 without vectors."""
        return self.nearest(vectors, target).cosine

    def nearest(self, vectors: Vectors, target: str) -> Nearest:
        """Return the row of `target` that is nearest to any of `vectors`; none if it is not in the index."""
        if not len(vectors) or target not in self:
            return Nearest(-1, 0.0)
        best = (vectors @ self.vectors(target).T).max(axis=0)
        return Nearest(int(best.argmax()), min(float(best.max()), 1.0))

    def vectors(self, target: str) -> Vectors:
        """Return the rows of `target`, float32 [n, dimension]."""
        rows = self._tiers.holding(target)
        if rows is None:
            raise KeyError(target)
        return rows[target]


@dataclass(frozen=True, slots=True)
class _Rows(Mapping[str, Vectors]):
    """Rows by target: `positions` numbers the targets, `starts` int64 [targets + 1] has their first rows.

    `exact` is the memory of an index without inverted lists, float32 [rows, dimension]; it lives as long as that.
    """

    index: Any
    positions: Mapping[str, int]
    names: tuple[str, ...]
    starts: Ids
    exact: Vectors | None = None

    @property
    def given(self) -> Mapping[str, Vectors]:
        """The rows themselves: they are kept once."""
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, target: object) -> bool:
        return target in self.positions

    def __getitem__(self, target: str) -> Vectors:
        position = self.positions[target]
        first, last = self.starts[position], self.starts[position + 1]
        if self.exact is not None:
            return self.exact[first:last].copy()
        rows: Vectors = self.index.reconstruct_batch(np.arange(first, last))
        return rows

    def near(self, vectors: Vectors, threshold: float, least: float) -> dict[str, float]:
        if self.index is None:
            return {}
        faiss.omp_set_num_threads(1)
        below = float(np.nextafter(np.float32(least), np.float32(-2)))
        _, cosines, rows = self.index.range_search(vectors, below)
        # The best of each target comes last, and stays.
        order = np.argsort(cosines)
        if least < threshold:
            order = order[-(int((cosines >= threshold).sum()) + MOST_NEARLY) :]
        positions = np.searchsorted(self.starts, rows[order], side="right") - 1
        best = dict(zip(positions.tolist(), np.minimum(cosines[order], 1.0).tolist(), strict=True))
        return {self.names[position]: cosine for position, cosine in best.items()}


_NONE = _Rows(None, {}, (), np.zeros(1, np.int64))


def _rows(of: Mapping[str, Vectors]) -> _Rows:
    if not of:
        return _NONE
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in of.values()])]).astype(np.int64)
    index = _index(np.concatenate(list(of.values())))
    is_exact = isinstance(index, faiss.IndexFlat)
    return _Rows(
        index,
        {target: position for position, target in enumerate(of)},
        tuple(of),
        starts,
        faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(-1, index.d) if is_exact else None,
    )


def _index(rows: Vectors) -> Any:
    faiss.omp_set_num_threads(1)
    dimension = rows.shape[1]
    if len(rows) <= MAX_EXACT_ROWS:
        exact = faiss.IndexFlatIP(dimension)
        exact.add(rows)
        return exact
    cells = int(4 * len(rows) ** 0.5)
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, cells, faiss.METRIC_INNER_PRODUCT)
    # A server's start must not wait for a fine partition: refining costs much time and gains little recall.
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = 4, 16, 1
    index.train(rows)
    index.add(rows)
    index.make_direct_map()
    index.nprobe = PROBED_CELLS
    return index
