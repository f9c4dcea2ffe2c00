"""Which forget targets lie near a text: their vectors in a FAISS index that is replaced, never changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from guard.embedder import Vectors

Ids = NDArray[np.int64]


class TargetIndex:
    """An exact, immutable inner-product index: several unit vectors (rows) for each target.

    Searches from many threads at once are safe, because a change makes another index. FAISS is held to one
    thread in each thread that calls it.
    """

    def __init__(self, index: Any, rows: Mapping[str, Ids], owner: Mapping[int, str]) -> None:
        self._index = index
        self._rows = rows
        self._owner = owner

    @classmethod
    def build(cls, rows: Mapping[str, Vectors]) -> TargetIndex:
        """Return the index of `rows`: by target id, float32 [n, dimension] unit vectors."""
        return cls(None, {}, {}).with_changes(rows, ())

    def with_changes(self, added: Mapping[str, Vectors], removed: Collection[str]) -> TargetIndex:
        """Return another index without `removed` and with `added`; a target in both is replaced.

        Raises ValueError when a target would be in the index twice or `removed` names one that is not.
        """
        gone = set(removed)
        if not gone <= self._rows.keys() or not added.keys().isdisjoint(self._rows.keys() - gone):
            raise ValueError("an index holds a target once, and gives up only what it holds")
        kept = {target: ids for target, ids in self._rows.items() if target not in gone}
        if not added and len(kept) == len(self._rows):
            return self
        # FAISS takes a known id a second time without a word, so ids are never used again.
        first = max((int(ids[-1]) for ids in self._rows.values()), default=-1) + 1
        fresh: dict[str, Ids] = {}
        for target, vectors in added.items():
            fresh[target] = np.arange(first, first + len(vectors), dtype=np.int64)
            first += len(vectors)
        rows = kept | fresh
        owner = {int(row): target for target, ids in rows.items() for row in ids}
        return TargetIndex(self._changed(added, fresh, gone), rows, owner)

    def __len__(self) -> int:
        """Return the number of targets."""
        return len(self._rows)

    def __contains__(self, target: str) -> bool:
        return target in self._rows

    def near(self, vectors: Vectors, threshold: float) -> dict[str, float]:
        """Return every target with a row whose cosine to one of `vectors` reaches `threshold`, and its best."""
        if not self._rows or not len(vectors):
            return {}
        faiss.omp_set_num_threads(1)
        below = float(np.nextafter(np.float32(threshold), np.float32(-2)))
        _, cosines, rows = self._index.range_search(vectors, below)
        best: dict[str, float] = {}
        for row, cosine in zip(rows.tolist(), cosines.tolist(), strict=True):
            target = self._owner[row]
            best[target] = max(min(cosine, 1.0), best.get(target, -1.0))
        return best

    def cosine(self, vectors: Vectors, target: str) -> float:
        """Return the best cosine of any of `vectors` to any row of `target`; 0 without vectors."""
        if not len(vectors):
            return 0.0
        return min(float((vectors @ self.vectors(target).T).max()), 1.0)

    def vectors(self, target: str) -> Vectors:
        """Return the rows of `target`, float32 [n, dimension]."""
        rows: Vectors = self._index.reconstruct_batch(self._rows[target])
        return rows

    def _changed(self, added: Mapping[str, Vectors], fresh: Mapping[str, Ids], gone: set[str]) -> Any:
        faiss.omp_set_num_threads(1)
        index: Any
        if self._index is None:
            dimension = next(iter(added.values())).shape[1]
            index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        else:
            index = faiss.clone_index(self._index)
        if gone:
            index.remove_ids(np.concatenate([self._rows[target] for target in gone]))
        if added:
            index.add_with_ids(np.concatenate(list(added.values())), np.concatenate(list(fresh.values())))
        return index
