"""Garbage collection, off while much is made that stays: to look through it again and again would find nothing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MIN_KEPT_OBJECTS = 1_000_000
"""With so many new ones, what there is stays out of later collections: one look through it takes a second."""


class _Collector:
    """Counts who wants no collections, in any thread; the last to leave has them on again if they were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._was_on = True

    def hold(self) -> None:
        with self._lock:
            if not self._holders:
                self._was_on = gc.isenabled()
                gc.disable()
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:
                if gc.get_count()[0] >= MIN_KEPT_OBJECTS:
                    gc.freeze()
                if self._was_on:
                    gc.enable()


_COLLECTOR = _Collector()


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect no garbage meanwhile, whichever threads of the process run so."""
    _COLLECTOR.hold()
    try:
        yield
    finally:
        _COLLECTOR.release()
