"""A stream whose row failed ends as any other: its choices, then what the engine says after choices."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from guard.policy.plan import PlanKind
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.protocol.refused_fields import CHAT
from tests.serving.data_plane import ASK, DECLINE, FakePlanner, client, events, plane

CONSTRAINED = {**ASK, "stream": True, "structured_outputs": {"choice": ["Ada Quill"]}}
SECRET = b'{"error": {"message": "Ada Quill is in this message"}}'


class Grammar:
    """Fails a row in the middle of its stream; when it is asked again, closed, it does `then`."""

    def __init__(self, then: str) -> None:
        self.then = then
        self.bodies: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append(orjson.loads(await read_body(receive, 10**6)))
        if len(self.bodies) == 1:
            failure = b'{"error": {"message": "Internal server error"}}'
            return await self._stream(send, self._chunk("It is "), self._chunk("Ada "), failure)
        if self.then == "raises":
            raise RuntimeError("Ada Quill is in this message")
        if self.then == "refuses":
            return await respond(send, 500, orjson.loads(SECRET))
        if self.then == "fails":
            return await self._stream(send, SECRET)
        usage = orjson.dumps({"choices": [], "usage": {"total_tokens": 4}})
        await self._stream(send, self._chunk("", "stop"), usage)

    async def _stream(self, send: Send, *payloads: bytes) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for payload in (*payloads, DONE):
            await send({"type": "http.response.body", "body": frame(payload), "more_body": payload != DONE})

    def _chunk(self, text: str, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": finish}
        ended = {"system_fingerprint": "fp"} if finish else {}
        return orjson.dumps({"choices": [choice], **ended})


async def answered(engine: Grammar) -> httpx.Response:
    async with client(plane(engine, FakePlanner(PlanKind.RESTRICT))) as http:  # type: ignore[arg-type]
        return await http.post(CHAT, json=CONSTRAINED)


@pytest.mark.anyio
async def test_a_stream_whose_row_failed_ends_with_a_finish_and_the_usage() -> None:
    engine = Grammar("ends")
    *chunks, ending, usage = events((await answered(engine)).text)
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "It is "
    assert (ending["choices"][0]["finish_reason"], ending["system_fingerprint"]) == ("stop", "fp")
    assert usage["usage"] == {"total_tokens": 4}
    first, second = engine.bodies
    assert "structured_outputs" in first
    assert "structured_outputs" not in second
    assert second["vllm_xargs"]["lethe_automata"] == "closed"


@pytest.mark.anyio
@pytest.mark.parametrize("then", ["refuses", "fails"])
async def test_it_ends_although_the_engine_fails_again(then: str) -> None:
    answer = await answered(Grammar(then))
    assert "Ada" not in answer.text
    assert events(answer.text)[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.anyio
async def test_an_engine_that_is_gone_by_then_is_reported() -> None:
    answer = await answered(Grammar("raises"))
    assert "Ada" not in answer.text
    assert DECLINE not in answer.text
    assert events(answer.text)[-1]["error"]["code"] == "engine_error"
