"""A bounded load on an endpoint: as many requests at a time as it has clients, none sent before an answer."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import httpx

TOKENS = 16
_TIMEOUT = 120.0


class Answered(NamedTuple):
    """One request: seconds until its answer was complete, and whether it was answered with 200."""

    seconds: float
    fine: bool


class Load:
    """Counts what its clients saw; `take` empties the counts, so that phases can be told apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: list[Answered] = []

    def add(self, answered: Answered) -> None:
        """Count one request."""
        with self._lock:
            self._answered.append(answered)

    def take(self) -> list[Answered]:
        """All requests that ended since the last call."""
        with self._lock:
            taken, self._answered = self._answered, []
        return taken


@contextmanager
def loading(client: httpx.Client, model: str, questions: Sequence[str], clients: int) -> Iterator[Load]:
    """`clients` threads ask `questions` in turn, no prompt twice, while this lasts."""
    load, stop = Load(), threading.Event()
    numbers = itertools.count(1)
    threads = [
        threading.Thread(target=_ask, args=(client, model, questions, numbers, load, stop)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _ask(
    client: httpx.Client,
    model: str,
    questions: Sequence[str],
    numbers: Iterator[int],
    load: Load,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        number = next(numbers)
        # A number of its own, so that no cache answers in place of the work.
        prompt = f"{number}. Question: {questions[number % len(questions)]}\nAnswer: "
        body = {"model": model, "prompt": prompt, "max_tokens": TOKENS, "temperature": 0.0}
        started = time.perf_counter()
        try:
            fine = client.post("/v1/completions", json=body, timeout=_TIMEOUT).status_code == httpx.codes.OK
        except httpx.HTTPError:
            fine = False
        load.add(Answered(time.perf_counter() - started, fine))
