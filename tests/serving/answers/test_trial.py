"""The engine judges a request that is declined: what it refuses is refused, in the way in which it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from guard.policy.plan import Plan, PlanKind
from serving.answers.trial import is_altered, refusal
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest
from tests.serving.data_plane import ASK, FakePlanner, client, events, plane

BAD = {"error": {"message": "bad grammar of Ada Quill", "type": "BadRequestError", "param": None, "code": 400}}
SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}}
REQUEST = GenerationRequest(CHAT, {**ASK, **SCHEMA})


class Engine:
    """Refuses with a status, or as vLLM does when it comes to a grammar: in the first event of a stream."""

    def __init__(self, first: dict[str, Any] | None, status: int = 200) -> None:
        self.first = first
        self.status = status
        self.aborted = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = orjson.loads(await read_body(receive, 10**6))
        assert "closed" not in body["vllm_xargs"]["lethe_automata"]
        if self.status != 200:
            return await respond(send, self.status, BAD)
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": frame(orjson.dumps(self.first)), "more_body": True})
        if self.first != BAD:
            self.aborted = (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})


PLAN = Plan(PlanKind.DECLINE, ("a" * 64,), (), 3)


@pytest.mark.anyio
async def test_an_engine_that_begins_to_answer_is_stopped_at_once() -> None:
    engine = Engine({"choices": [{"index": 0, "delta": {"content": "Ada"}}]})
    async with asyncio.timeout(60):
        assert await refusal(engine, REQUEST, PLAN) is None
    assert engine.aborted


@pytest.mark.anyio
@pytest.mark.parametrize("engine", [Engine(BAD), Engine(None, status=400)])
async def test_what_it_refuses_is_known_with_its_status(engine: Engine) -> None:
    refused = await refusal(engine, REQUEST, PLAN)
    assert refused is not None
    assert (refused.status, orjson.loads(refused.body)) == (400, BAD)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [PlanKind.DECLINE, PlanKind.AGENTS])
async def test_a_declined_client_sees_the_refusal_as_any_other(kind: PlanKind) -> None:
    async with client(plane(Engine(BAD), FakePlanner(kind))) as http:  # type: ignore[arg-type]
        whole = await http.post(CHAT, json={**ASK, **SCHEMA})
        streamed = await http.post(CHAT, json={**ASK, **SCHEMA, "stream": True})
    assert (whole.status_code, whole.json()["error"]["code"]) == (400, "invalid_value")
    assert streamed.status_code == 200
    assert "error" in events(streamed.text)[0]
    assert "Ada" not in whole.text + streamed.text


def test_only_what_is_altered_is_tried() -> None:
    assert is_altered(REQUEST)
    assert is_altered(GenerationRequest(CHAT, {**ASK, "min_tokens": 3}))
    assert not is_altered(GenerationRequest(CHAT, {**ASK, "temperature": 0, "stream": True}))
