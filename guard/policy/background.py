"""Something that takes long to make, made beside what cannot wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """What `make` returns, made in a thread of its own when it is first asked for. For one thread at a time."""

    def __init__(self, make: Callable[[], T], patience: float) -> None:
        self._make = make
        self._patience = patience
        self._future: Future[T] | None = None

    def get(self) -> T | None:
        """Return it, or None while it is being made; who asks first waits for `patience` seconds.

        Raises what making it raised; who asks then has it made anew.
        """
        patience = 0.0
        if self._future is None:
            self._future, patience = Future(), self._patience
            threading.Thread(target=self._run, args=(self._future,), daemon=True).start()
        if not wait([self._future], patience).done:
            return None
        try:
            return self._future.result()
        except Exception:
            self._future = None
            raise

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._make())
        except Exception as error:
            future.set_exception(error)
