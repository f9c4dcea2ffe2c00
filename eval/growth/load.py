"""A closed-loop load that runs in the background of a measurement, and counts failures."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from serving.bench.load import closed_loop
from serving.protocol.refused_fields import CHAT, COMPLETIONS

ANSWER_TOKENS = 16
_TIMEOUT_S = 120.0


class LoadResult(NamedTuple):
    """One request: seconds until its answer was complete, and whether its status was 200."""

    seconds: float
    succeeded: bool


@dataclass(frozen=True, slots=True)
class LoadPrompts:
    """The requests of the clients: the questions in turn, as chats or as completions."""

    model: str
    questions: Sequence[str] = field(repr=False)
    chat: bool

    def request(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return route and body of a request. Its number is in the prompt, so that no prefix cache applies."""
        question = self.questions[number % len(self.questions)]
        body: dict[str, Any] = {"model": self.model, "max_tokens": ANSWER_TOKENS, "temperature": 0.0}
        if self.chat:
            return CHAT, body | {"messages": [{"role": "user", "content": f"{number}. {question}"}]}
        return COMPLETIONS, body | {"prompt": f"{number}. Question: {question}\nAnswer: "}


class LoadResults:
    """The results of the clients' requests, collected across threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: list[LoadResult] = []

    def add(self, result: LoadResult) -> None:
        """Record one request."""
        with self._lock:
            self._results.append(result)

    def take(self) -> list[LoadResult]:
        """Return the requests that ended since the last call."""
        with self._lock:
            taken, self._results = self._results, []
        return taken


@contextmanager
def running_load(client: httpx.AsyncClient, prompts: LoadPrompts, clients: int) -> Iterator[LoadResults]:
    """Let `clients` send requests, no prompt twice, while the context is open, in a thread of their own.

    The thread closes `client`.
    """
    load, stop = LoadResults(), threading.Event()

    async def send(number: int) -> None:
        route, body = prompts.request(number)
        started = time.perf_counter()
        try:
            succeeded = (await client.post(route, json=body, timeout=_TIMEOUT_S)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            succeeded = False
        load.add(LoadResult(time.perf_counter() - started, succeeded))

    async def run() -> None:
        numbers = itertools.takewhile(lambda _: not stop.is_set(), itertools.count(1))
        async with client:
            await closed_loop(numbers, clients, send)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        yield load
    finally:
        stop.set()
        thread.join()
