"""Which forget targets lie near a text: their vectors in FAISS, and what came lately beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from guard.detection.embedder import Vectors

Ids = NDArray[np.int64]

# Up to so many rows every row is looked at; above, the cells nearest to the question are.
EXACT_ROWS = 20_000
PROBED = 32
# So many recent rows are searched beside the settled ones before all are settled anew.
RECENT_ROWS = 4_096


class Nearest(NamedTuple):
    """The row of a target that is nearest to a text, counted from 0, and its cosine; -1 and 0 without a text."""

    row: int
    cosine: float


class TargetIndex:
    """An immutable inner-product index: several unit vectors (rows) for each target.

    Most rows are settled in an index that successors share; what was added since, up to RECENT_ROWS rows, is
    searched beside it, so that a change costs what it changes. With more than EXACT_ROWS settled rows the search
    is by inverted lists, and a row at the threshold may be missed: docs/detector.md has the measured share.
    Searches from many threads at once are safe. FAISS is held to one thread in each thread that calls it.
    """

    def __init__(self, settled: _Rows, recent: _Rows, gone: frozenset[str]) -> None:
        self._settled = settled
        self._recent = recent
        self._gone = gone

    @classmethod
    def build(cls, rows: Mapping[str, Vectors]) -> TargetIndex:
        """Return the index of `rows`: by target id, float32 [n, dimension] unit vectors."""
        return cls(_NONE, _NONE, frozenset()).with_changes(rows, ())

    def with_changes(self, added: Mapping[str, Vectors], removed: Collection[str]) -> TargetIndex:
        """Return another index without `removed` and with `added`; a target in both is replaced.

        Raises ValueError when a target would be in the index twice or `removed` names one that is not.
        """
        away = set(removed)
        if any(target not in self for target in away) or any(
            target in self and target not in away for target in added
        ):
            raise ValueError("an index holds a target once, and gives up only what it holds")
        if not added and not away:
            return self
        recent = {target: self._recent.of(target) for target in self._recent.places if target not in away}
        recent |= added
        gone = self._gone | {target for target in away if target in self._settled.places}
        settle = sum(map(len, recent.values())) > RECENT_ROWS or 2 * len(gone) > len(self._settled.places)
        if not settle:
            return TargetIndex(self._settled, _rows(recent), gone)
        kept = {target: self._settled.of(target) for target in self._settled.places if target not in gone}
        return TargetIndex(_rows(kept | recent), _NONE, frozenset())

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self._settled.places) - len(self._gone) + len(self._recent.places)

    def __contains__(self, target: str) -> bool:
        return target in self._recent.places or (target in self._settled.places and target not in self._gone)

    def near(self, vectors: Vectors, threshold: float) -> dict[str, float]:
        """Return every target with a row whose cosine to one of `vectors` reaches `threshold`, and its best."""
        if not len(vectors):
            return {}
        best = {
            target: cosine
            for target, cosine in self._settled.near(vectors, threshold).items()
            if target not in self._gone
        }
        return best | self._recent.near(vectors, threshold)

    def cosine(self, vectors: Vectors, target: str) -> float:
        """Return the best cosine of any of `vectors` to any row of `target`; 0 without vectors."""
        return self.nearest(vectors, target).cosine

    def nearest(self, vectors: Vectors, target: str) -> Nearest:
        """Return the row of `target` that is nearest to any of `vectors`."""
        if not len(vectors):
            return Nearest(-1, 0.0)
        best = (vectors @ self.vectors(target).T).max(axis=0)
        return Nearest(int(best.argmax()), min(float(best.max()), 1.0))

    def vectors(self, target: str) -> Vectors:
        """Return the rows of `target`, float32 [n, dimension]."""
        return (self._recent if target in self._recent.places else self._settled).of(target)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that stand together by target: `places` counts the targets, `starts` [targets + 1] their rows."""

    index: Any
    places: Mapping[str, int]
    names: tuple[str, ...]
    starts: Ids

    def of(self, target: str) -> Vectors:
        place = self.places[target]
        first, last = self.starts[place], self.starts[place + 1]
        rows: Vectors = self.index.reconstruct_batch(np.arange(first, last))
        return rows

    def near(self, vectors: Vectors, threshold: float) -> dict[str, float]:
        if self.index is None:
            return {}
        faiss.omp_set_num_threads(1)
        below = float(np.nextafter(np.float32(threshold), np.float32(-2)))
        _, cosines, rows = self.index.range_search(vectors, below)
        places = np.searchsorted(self.starts, rows, side="right") - 1
        best: dict[str, float] = {}
        for place, cosine in zip(places.tolist(), cosines.tolist(), strict=True):
            target = self.names[place]
            best[target] = max(min(cosine, 1.0), best.get(target, -1.0))
        return best


_NONE = _Rows(None, {}, (), np.zeros(1, np.int64))


def _rows(of: Mapping[str, Vectors]) -> _Rows:
    if not of:
        return _NONE
    starts = np.concatenate([[0], np.cumsum([len(rows) for rows in of.values()])]).astype(np.int64)
    return _Rows(
        _index(np.concatenate(list(of.values()))),
        {target: place for place, target in enumerate(of)},
        tuple(of),
        starts,
    )


def _index(rows: Vectors) -> Any:
    faiss.omp_set_num_threads(1)
    dimension = rows.shape[1]
    if len(rows) <= EXACT_ROWS:
        exact = faiss.IndexFlatIP(dimension)
        exact.add(rows)
        return exact
    cells = int(4 * len(rows) ** 0.5)
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, cells, faiss.METRIC_INNER_PRODUCT)
    # A start must not wait for a fine partition: a coarse one costs recall less than it costs time to refine.
    index.cp.niter, index.cp.max_points_per_centroid, index.cp.min_points_per_centroid = 8, 32, 1
    index.train(rows)
    index.add(rows)
    index.make_direct_map()
    index.nprobe = PROBED
    return index
