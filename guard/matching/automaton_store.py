"""The server's store of compiled automata: written where the engine maps them, mapped here in an LRU cache."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from cachetools import LRUCache

from guard.errors import PolicyUnavailable
from guard.matching import subset
from guard.matching.automaton import Automaton
from guard.matching.automaton_file import path_of
from guard.matching.patterns import Exemption

MAX_MAPPED_AUTOMATA = 1024
# Compiling this many phrases or more in this process would hold the GIL and stall the streams it serves.
MIN_PHRASES_FOR_SUBPROCESS = 5_000


class AutomatonStore:
    """Automata by digest in `folder`; an LRU cache keeps MAX_MAPPED_AUTOMATA of them mapped, and another the last
    few that lack phrases of a whole one. Thread-safe.

    The folder belongs to one process at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mapped: LRUCache[str, Automaton] = LRUCache(MAX_MAPPED_AUTOMATA)
        self._subsets: LRUCache[str, Automaton] = LRUCache(subset.MAX_KEPT)
        self._lock = threading.Lock()

    def __getitem__(self, digest: str) -> Automaton:
        """Return the automaton of this digest; PolicyUnavailable when its file is missing or damaged."""
        with self._lock:
            known = self._mapped.get(digest) or self._subsets.get(digest)
        if known is not None:
            return known
        automaton = subset.attach(self._folder, digest, self.__getitem__)
        if not subset.is_subset(automaton):
            return self._keep(automaton)
        with self._lock:
            self._subsets[digest] = automaton
        return automaton

    def write(self, phrases: Collection[str], exemptions: Collection[Exemption] = ()) -> str:
        """Write the automaton that forbids these phrases to disk in full and return its digest.

        Raises InvalidTarget as Automaton.forbidding does, and PolicyUnavailable when it cannot be written.
        """
        if len(phrases) < MIN_PHRASES_FOR_SUBPROCESS:
            return self._keep(_compile_to_file(phrases, exemptions, self._folder)).digest
        with ProcessPoolExecutor(1, get_context("spawn"), initializer=os.nice, initargs=(5,)) as pool:
            try:
                return pool.submit(
                    _compile_in_subprocess, tuple(phrases), tuple(exemptions), self._folder
                ).result()
            except (OSError, BrokenExecutor) as error:
                raise PolicyUnavailable("a compiled policy file cannot be written") from error

    def write_subset(self, whole: str, removed: Collection[int]) -> str:
        """Write the automaton of digest `whole` without the phrases of these numbers and return its digest.

        Raises PolicyUnavailable when it cannot be written.
        """
        digest = subset.write(self._folder, whole, removed)
        # Mapped now, so that no request waits for it.
        return self[digest].digest

    def unmap(self, digests: Iterable[str]) -> None:
        """Let go of the memory of these automata; one that is still used is mapped again from its file."""
        with self._lock:
            for digest in digests:
                self._mapped.pop(digest, None)
                self._subsets.pop(digest, None)

    def _keep(self, automaton: Automaton) -> Automaton:
        with self._lock:
            self._mapped[automaton.digest] = automaton
        return automaton


def _compile_to_file(phrases: Iterable[str], exemptions: Iterable[Exemption], folder: Path) -> Automaton:
    compiled = Automaton.forbidding(phrases, exemptions)
    try:
        automaton = Automaton.attach(folder, compiled.digest)
        # In force again, so that no sweep takes it for one of a policy that ended.
        os.utime(path_of(folder, compiled.digest))
        return automaton
    except (OSError, PolicyUnavailable):
        compiled.save(folder)
        return Automaton.attach(folder, compiled.digest)


def _compile_in_subprocess(phrases: tuple[str, ...], exemptions: tuple[Exemption, ...], folder: Path) -> str:
    return _compile_to_file(phrases, exemptions, folder).digest
