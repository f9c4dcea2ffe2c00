"""A closed-loop load of one OpenAI endpoint: each client sends its next request after its last answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import httpx

PATH = "/v1/completions"
WORDS = [
    "river",
    "stone",
    "amber",
    "lantern",
    "orchard",
    "copper",
    "violet",
    "harbour",
    "meadow",
    "timber",
    "falcon",
    "marble",
    "winter",
    "saddle",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Load:
    """A load: `requests` in total, `concurrency` at a time, `tokens` per answer."""

    concurrency: int
    requests: int
    tokens: int
    stream: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds: the whole run, and per request the time to the first token, between tokens, and in all."""

    wall: float
    tokens: int
    first: Sequence[float]
    between: Sequence[float]
    total: Sequence[float]

    @property
    def throughput(self) -> float:
        """Tokens per second over the whole run."""
        return self.tokens / self.wall


def median(values: Sequence[float]) -> float:
    """Return the median, or NaN without values."""
    return statistics.median(values) if values else float("nan")


async def closed_loop(requests: Iterable[T], clients: int, send: Callable[[T], Awaitable[None]]) -> None:
    """Send every request, by so many clients at a time. `requests` may be made while others are answered."""
    waiting = iter(requests)

    async def client() -> None:
        for request in waiting:
            await send(request)

    await asyncio.gather(*(client() for _ in range(clients)))


async def measure(url: str, model: str, load: Load, seed: int) -> Measured:
    """Run `load` against `url`; httpx.HTTPError when a request fails."""
    asked = list(itertools.islice(prompts(seed), load.requests))
    first: list[float] = []
    between: list[float] = []
    total: list[float] = []
    timeout = httpx.Timeout(300)
    limits = httpx.Limits(max_connections=load.concurrency)
    async with httpx.AsyncClient(base_url=url, timeout=timeout, limits=limits, trust_env=False) as client:

        async def send(prompt: str) -> None:
            times = await _request(client, model, prompt, load)
            total.append(times[-1] - times[0])
            if load.stream:
                first.append(times[1] - times[0])
                between.extend(b - a for a, b in itertools.pairwise(times))

        started = time.perf_counter()
        await closed_loop(asked, load.concurrency, send)
        wall = time.perf_counter() - started
    return Measured(wall, load.requests * load.tokens, first, between, total)


async def _request(client: httpx.AsyncClient, model: str, prompt: str, load: Load) -> list[float]:
    """Return the times of sending, of each event, and of the end."""
    times = [time.perf_counter()]
    if load.stream:
        await stream_times(client, model, prompt, load.tokens, times)
    else:
        (await client.post(PATH, json=_body(model, prompt, load.tokens))).raise_for_status()
    times.append(time.perf_counter())
    return times


async def stream_times(
    client: httpx.AsyncClient, model: str, prompt: str, tokens: int, times: list[float]
) -> None:
    """Stream one answer of `tokens` tokens and append the time of each event to `times`."""
    body = _body(model, prompt, tokens) | {"stream": True}
    async with client.stream("POST", PATH, json=body) as response:
        response.raise_for_status()
        async for part in response.aiter_raw():
            times.extend([time.perf_counter()] * part.count(b"data: {"))


def _body(model: str, prompt: str, tokens: int) -> dict[str, object]:
    return {"model": model, "prompt": prompt, "max_tokens": tokens, "temperature": 0.0, "ignore_eos": True}


def prompts(seed: int) -> Iterator[str]:
    """Yield prompts without end, all different, so that no cache answers instead of the engine."""
    chooser = random.Random(seed)
    while True:
        yield " ".join(chooser.choices(WORDS, k=12)) + f" {chooser.random():.6f}"
