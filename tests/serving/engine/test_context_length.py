from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from serving.engine.context_length import FIRST_CHARS, check_context_length
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.protocol.errors import ContextLengthExceeded
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest


class Engine:
    """Counts a token for every four characters of prompt and messages."""

    def __init__(self, limit: int, status: int = 200) -> None:
        self.limit = limit
        self.status = status
        self.counted: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] == "/tokenize"
        asked = orjson.loads(await read_body(receive, 10**8))
        texts = [asked.get("prompt", ""), *(str(message["content"]) for message in asked.get("messages", ()))]
        self.counted.append(sum(map(len, texts)))
        await respond(send, self.status, {"count": self.counted[-1] // 4, "max_model_len": self.limit})


async def check(engine: Engine, **body: Any) -> None:
    request = GenerationRequest(CHAT if "messages" in body else COMPLETIONS, body)
    await check_context_length(engine, request, len(orjson.dumps(body)))


def chat(*contents: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content} for content in contents]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": chat("0" * 8_000_000)},
        {"messages": chat(*["x" * 1_000] * 5_000)},
        {"messages": chat([{"type": "text", "text": "0" * 4_000_000}, {"type": "text", "text": "0" * 4_000_000}])},
        {"prompt": "0" * 8_000_000},
    ],
)
async def test_of_a_very_long_request_only_the_beginning_is_counted(body: dict[str, Any]) -> None:
    engine = Engine(limit=1_024)
    with pytest.raises(ContextLengthExceeded, match=r"context length is 1024 tokens\. .* at least "):
        await check(engine, **body)
    assert len(engine.counted) == 1
    assert engine.counted[0] < 20 * FIRST_CHARS


async def test_a_long_context_is_counted_in_a_few_growing_steps() -> None:
    engine = Engine(limit=100_000)
    with pytest.raises(ContextLengthExceeded, match="at least 200000 input tokens"):
        await check(engine, messages=chat("word " * 1_600_000))
    assert engine.counted == [FIRST_CHARS, 800_000]


@pytest.mark.parametrize("length", [5_000, 8_192, 400_000])
async def test_what_fits_is_counted_whole_and_passes(length: int) -> None:
    engine = Engine(limit=100_000)
    await check(engine, messages=chat("w" * length))
    assert engine.counted[-1] == length


async def test_a_request_a_little_too_long_is_told_its_exact_number() -> None:
    with pytest.raises(ContextLengthExceeded, match="contains 1025 input tokens"):
        await check(Engine(limit=1_024), messages=chat("w" * 4_100), max_tokens=5)


async def test_what_cannot_be_counted_is_left_to_the_engine() -> None:
    engine = Engine(limit=8, status=400)
    await check(engine, messages=chat("w" * 100_000, [{"type": "image_url", "image_url": {"url": "data:"}}]))
    assert len(engine.counted) == 1


async def test_one_long_request_is_counted_at_a_time() -> None:
    running = most = 0

    class Slow(Engine):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            await super().__call__(scope, receive, send)
            running -= 1

    engine = Slow(limit=100_000)
    await asyncio.gather(*(check(engine, prompt="w" * 5_000) for _ in range(10)))
    assert (most, len(engine.counted)) == (1, 10)
