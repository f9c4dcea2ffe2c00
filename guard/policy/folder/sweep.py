"""Removes the files of phrases that no policy needs any more: what is revoked is erased from the disk as well."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from guard.matching.automaton_store import AutomatonStore

SWEEP_PERIOD_S = 300.0


class Sweep:
    """Removes, once in SWEEP_PERIOD_S, the files that were needed neither at this sweep nor at the last one.

    Requests that began under an earlier policy have that long to reach the engine. For one thread at a time.
    """

    def __init__(self, store: AutomatonStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._needed: frozenset[str] = frozenset()
        # Files written since this process began are in use; clocks of file systems lag a little.
        self._began = time.time() - 1
        self._next = time.monotonic() + SWEEP_PERIOD_S

    @property
    def is_due(self) -> bool:
        """Whether the last sweep was SWEEP_PERIOD_S ago."""
        return time.monotonic() >= self._next

    def sweep(self, needed: Collection[str]) -> None:
        """Remove the files but those of the digests in `needed`, of those of the last sweep, and recent ones."""
        keep, self._needed = self._needed.union(needed), frozenset(needed)
        self._remove(keep, time.time() - 2 * SWEEP_PERIOD_S)
        self._next = time.monotonic() + SWEEP_PERIOD_S

    def sweep_earlier(self, needed: Collection[str]) -> None:
        """Remove the files that earlier processes left, but those of the digests in `needed`."""
        self._needed = frozenset(needed)
        self._remove(self._needed, self._began)

    def _remove(self, keep: Collection[str], before: float) -> None:
        for path in self._folder.iterdir():
            is_compiled = path.suffix in (".automaton", ".bias")
            if is_compiled and path.stem not in keep and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                self._store.unmap((path.stem,))
