"""The compiled automata of a server: written where the engine attaches them, mapped when somebody reads them."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from cachetools import LRUCache

from guard.errors import PolicyUnavailable
from guard.matching.automaton import Automaton

KEPT = 1024
# From so many phrases on, compiling would keep the interpreter from the streams that this process serves.
MANY = 5_000


class Library:
    """Automata by digest in `folder`; the last 1,024 that were read stay mapped. Safe to call from any thread.

    The folder belongs to one process at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mapped: LRUCache[str, Automaton] = LRUCache(KEPT)
        self._lock = threading.Lock()

    def __getitem__(self, digest: str) -> Automaton:
        """Return the automaton of this digest; PolicyUnavailable when its file is missing or damaged."""
        with self._lock:
            known = self._mapped.get(digest)
        if known is not None:
            return known
        return self._keep(Automaton.attach(self._folder, digest))

    def write(self, phrases: Collection[str]) -> str:
        """Return the digest of the automaton of these phrases, its file whole on disk.

        Raises InvalidTarget as Automaton.compile does, and PolicyUnavailable when it cannot be written.
        """
        if len(phrases) < MANY:
            return self._keep(_written(phrases, self._folder)).digest
        with ProcessPoolExecutor(1, get_context("spawn"), initializer=os.nice, initargs=(5,)) as pool:
            try:
                return pool.submit(_write_apart, tuple(phrases), self._folder).result()
            except (OSError, BrokenExecutor) as error:
                raise PolicyUnavailable("a compiled policy file cannot be written") from error

    def sweep(self, named: Collection[str], before: float) -> None:
        """Remove the files last changed before that time (seconds of the epoch) that are not `named`."""
        for path in self._folder.glob("*.automaton"):
            if path.stem not in named and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _keep(self, automaton: Automaton) -> Automaton:
        with self._lock:
            self._mapped[automaton.digest] = automaton
        return automaton


def _written(phrases: Iterable[str], folder: Path) -> Automaton:
    compiled = Automaton.compile(phrases)
    try:
        return Automaton.attach(folder, compiled.digest)
    except PolicyUnavailable:
        compiled.save(folder)
        return Automaton.attach(folder, compiled.digest)


def _write_apart(phrases: tuple[str, ...], folder: Path) -> str:
    return _written(phrases, folder).digest
