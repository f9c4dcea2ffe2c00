"""A value computed once in a background thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

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
            threading.Thread(target=self._run, args=(self._future,), daemon=True).start()
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
