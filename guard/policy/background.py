"""Work in the background: a value computed once in a thread, and automata compiled together."""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from guard.targets.target import ForgetTarget

log = logging.getLogger(__name__)

T = TypeVar("T")


class BackgroundValue(Generic[T]):
    """The value that `compute` returns, computed in a thread of its own on first use. For one thread at a time."""

    def __init__(self, compute: Callable[[], T], timeout_s: float) -> None:
        self._compute = compute
        self._timeout_s = timeout_s
        self._future: Future[T] | None = None

    def get(self) -> T | None:
        """Return the value, or None while it is being computed; the first call waits up to `timeout_s` seconds.

        Raises what `compute` raised; the next call then computes again.
        """
        timeout_s = 0.0
        if self._future is None:
            self._future, timeout_s = Future(), self._timeout_s
            threading.Thread(target=self._run, args=(self._future,), name="background", daemon=True).start()
        if not wait([self._future], timeout_s).done:
            return None
        try:
            return self._future.result()
        except Exception:
            self._future = None
            raise

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._compute())
        except Exception as error:
            future.set_exception(error)


class Layered(Protocol):
    """Automata in layers, which should be compiled together once they are worn."""

    @property
    def is_worn(self) -> bool: ...


L = TypeVar("L", bound=Layered)
Targets = Iterable[ForgetTarget]


class Merge(Generic[L]):
    """Compiles worn automata together in the background, while the worn ones go on to change and are in force.

    `empty` are the automata of no target. For one thread at a time.
    """

    def __init__(self, empty: L) -> None:
        self._empty = empty
        # Those that are compiled together.
        self._targets: Mapping[str, ForgetTarget] = {}
        self._merged: BackgroundValue[L] | None = None

    @property
    def is_done(self) -> bool:
        """Whether merged automata wait to be taken into use."""
        return self._result() is not None

    def advance(
        self, current: L, targets: Mapping[str, ForgetTarget], change: Callable[[L, Targets, Targets], L]
    ) -> L:
        """Return the automata of all `targets` that are to be in force: `current`, or those that were merged, with
        what has changed since. Begins to merge if `current` is worn.

        `change` returns automata with targets added, and without others, given as they were.
        """
        if (merged := self._result()) is not None:
            before, self._merged = self._targets, None
            added = [target for id, target in targets.items() if before.get(id) is not target]
            ended = [target for id, target in before.items() if targets.get(id) is not target]
            return change(merged, added, ended)
        if self._merged is None and current.is_worn:
            self._targets = targets
            self._merged = BackgroundValue(lambda: self._compile(targets, change), 0.0)
            self._result()
        return current

    def _compile(self, targets: Mapping[str, ForgetTarget], change: Callable[[L, Targets, Targets], L]) -> L:
        try:
            return change(self._empty, targets.values(), ())
        finally:
            # What all phrases took while they were compiled: glibc would keep a third of a KiB for each.
            with suppress(AttributeError, OSError, TypeError):
                ctypes.CDLL(None).malloc_trim(0)

    def _result(self) -> L | None:
        try:
            return self._merged.get() if self._merged else None
        except Exception as error:
            log.warning("automata are not compiled together, and are later: %s", type(error).__name__)
            self._merged = None
            return None
