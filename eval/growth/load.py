"""A bounded load on an endpoint: as many requests at a time as it has clients, none sent before an answer."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from serving.protocol.refused_fields import CHAT, COMPLETIONS

TOKENS = 16
_TIMEOUT = 120.0


class Answered(NamedTuple):
    """One request: seconds until its answer was complete, and whether it was answered with 200."""

    seconds: float
    fine: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """What the clients ask of a model: questions in turn, as chats or as texts to go on."""

    model: str
    questions: Sequence[str] = field(repr=False)
    chat: bool

    def request(self, number: int) -> tuple[str, dict[str, Any]]:
        """Route and body of a request; its number is in the prompt, so that no cache answers for the model."""
        question = self.questions[number % len(self.questions)]
        body: dict[str, Any] = {"model": self.model, "max_tokens": TOKENS, "temperature": 0.0}
        if self.chat:
            return CHAT, body | {"messages": [{"role": "user", "content": f"{number}. {question}"}]}
        return COMPLETIONS, body | {"prompt": f"{number}. Question: {question}\nAnswer: "}


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
def loading(client: httpx.Client, asking: Asking, clients: int) -> Iterator[Load]:
    """`clients` threads ask in turn, no prompt twice, while this lasts."""
    load, stop = Load(), threading.Event()
    numbers = itertools.count(1)
    threads = [threading.Thread(target=_ask, args=(client, asking, numbers, load, stop)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _ask(client: httpx.Client, asking: Asking, numbers: Iterator[int], load: Load, stop: threading.Event) -> None:
    while not stop.is_set():
        route, body = asking.request(next(numbers))
        started = time.perf_counter()
        try:
            fine = client.post(route, json=body, timeout=_TIMEOUT).status_code == httpx.codes.OK
        except httpx.HTTPError:
            fine = False
        load.add(Answered(time.perf_counter() - started, fine))
