"""Sends requests of the worst known kinds: `python -m serving.bench.hostile URL MODEL SECONDS`."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

CLIENTS = 64
MIB = 2**20


def bodies(model: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the JSON body of every kind; they are chat requests and stay under the body limit."""
    chooser = random.Random(7)
    base64 = "".join(chooser.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=MIB))
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = {
        "32,000 dots": "." * 32_000,
        "runs of /abc": "/abc" * 8_000,
        "1 MB of base64": base64,
        "8 MB of 0": "0" * (8 * MIB - 1_000),
        "6,000 words": " ".join("".join(chooser.choices(letters, k=7)) for _ in range(6_000)),
        "700 words": " ".join("".join(chooser.choices(letters, k=5)) for _ in range(700)),
        "numbers as JSON": json.dumps([chooser.randrange(10**6) for _ in range(5_000)], separators=(",", ":")),
        "combining marks": "a\u0301" * 15_000,
        "1 MB of line ends": "\n" * MIB,
    }
    for name, text in texts.items():
        yield name, _chat(model, text)
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64}"}}
    yield "a data URL", _chat(model, [{"type": "text", "text": "What is this?"}, image])
    nested: Any = "x"
    for _ in range(200):
        nested = {"properties": {"a": nested}}
    tool = {"type": "function", "function": {"name": "f", "parameters": nested}}
    yield "nested JSON", _chat(model, "Hi", tools=[tool] * 20)
    keys = {"type": "object", "properties": {f"key {number}": {"type": "string"} for number in range(5_000)}}
    many = {"type": "function", "function": {"name": "f", "parameters": keys}}
    yield "5,000 keys", _chat(model, "Hi", tools=[many])


def _chat(model: str, content: Any, **members: Any) -> bytes:
    body = {"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": content}], **members}
    return json.dumps(body).encode()


async def send_all(url: str, model: str, seconds: float) -> dict[str, int]:
    """Send them in turn by CLIENTS clients for so long; return how many answers had each status, 0 for none."""
    kinds = itertools.cycle([body for _, body in bodies(model)])
    statuses: Counter[str] = Counter()
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as client:

        async def keep() -> None:
            while time.monotonic() < end:
                try:
                    headers = {"content-type": "application/json"}
                    response = await client.post("/v1/chat/completions", content=next(kinds), headers=headers)
                    statuses[str(response.status_code)] += 1
                except httpx.HTTPError:
                    statuses["0"] += 1

        tasks = [asyncio.create_task(keep()) for _ in range(CLIENTS)]
        await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return dict(statuses)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(send_all(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
