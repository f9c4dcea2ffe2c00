"""Clients that leave, engines that die, servers that are not ready, and the log line of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from guard.errors import LetheError
from guard.policy.plan import PlanKind
from guard.text.conversation import Message
from serving.http.asgi import Receive, Scope, Send, respond
from serving.http.asgi_client import json_scope
from serving.http.sse import frame
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT, MESSAGES
from serving.watch.answering import Answering
from serving.watch.context import Client
from tests.serving.data_plane import ASK, FakeEngine, FakePlanner, client, events, plane

SERVER_ERRORS = {CHAT: "server_error", MESSAGES: "api_error"}


@pytest.mark.anyio
async def test_a_client_that_leaves_ends_the_examination(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(FakePlanner):
        async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
            try:
                await asyncio.sleep(60)
            finally:
                self.abandoned = True
            raise AssertionError

    planner = Slow()
    received: list[dict[str, Any]] = [{"type": "http.request", "body": orjson.dumps(ASK)}]

    async def receive() -> dict[str, Any]:
        return received.pop() if received else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "path": CHAT, "method": "POST", "headers": headers}
    with caplog.at_level("INFO", "lethe.access"):
        await plane(planner=planner)(scope, receive, send)  # type: ignore[arg-type]
    assert planner.abandoned
    assert " 499 " in caplog.text


@pytest.mark.anyio
async def test_the_engines_errors_keep_status_and_field_but_none_of_their_text() -> None:
    error = {"message": "value Ada Quill is wrong", "type": "X", "param": "body.temperature", "code": 400}
    async with client(plane(FakeEngine(status=400, error=error))) as http:
        answer = await http.post(CHAT, json=ASK)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["param"] == "temperature"
    assert "Quill" not in answer.text


@pytest.mark.anyio
async def test_an_engine_that_dies_in_a_stream_ends_it_with_an_error_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = FakeEngine("one two three")
    engine.dies_after = 2
    async with client(plane(engine)) as http:
        answer = await http.post(CHAT, json={**ASK, "stream": True})
    assert events(answer.text)[-1]["error"]["type"] == "server_error"
    assert "Quill" not in answer.text + caplog.text


@pytest.mark.anyio
async def test_an_engine_that_dies_before_answering_is_a_503() -> None:
    engine = FakeEngine("one two")
    engine.dies_after = 0
    raising = engine.__call__

    async def dead(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            raise RuntimeError
        await raising(scope, receive, send)

    async with client(plane(dead)) as http:  # type: ignore[arg-type]
        assert (await http.post(CHAT, json=ASK)).status_code == 503


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [PlanKind.PASS, PlanKind.RESTRICT])
async def test_an_answer_nobody_waits_for_is_no_failure(kind: PlanKind, caplog: pytest.LogCaptureFixture) -> None:
    async def abandoned(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, None)

    sent: list[Any] = []

    async def left() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps(ASK)}

    async def gone(message: Any) -> None:
        sent.append(message)

    scope = json_scope(CHAT, 0)
    app = plane(abandoned, FakePlanner(kind))  # type: ignore[arg-type]
    with caplog.at_level("INFO", "lethe.access"):
        await app(scope, left, gone)
    assert sent == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert " 499 " in caplog.text
    counted = 'lethe_requests_total{route="/v1/chat/completions",status="499"} 1.0'
    assert counted in app.metrics.exposition().content.decode()


@pytest.mark.anyio
async def test_a_client_that_leaves_in_a_stream_had_the_status_it_began_with(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cut_off(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        choice = {"index": 0, "delta": {"content": "Tea. "}, "finish_reason": None}
        event = frame(orjson.dumps({"choices": [choice]}))
        await send({"type": "http.response.body", "body": event, "more_body": True})

    async def streaming() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps({**ASK, "stream": True})}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200

    with caplog.at_level("INFO", "lethe.access"):
        await plane(cut_off)(json_scope(CHAT, 0), streaming, send)  # type: ignore[arg-type]
    assert " 200 " in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("route", [CHAT, MESSAGES])
async def test_a_fault_nobody_has_foreseen_is_a_500_of_the_routes_own_shape_that_quotes_nothing(
    route: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(FakePlanner):
        async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
            raise RuntimeError(conversation[0].text)

    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Who is Ada Quill?"}]}
    with caplog.at_level("INFO", "lethe.access"):
        async with client(plane(planner=Faulty())) as http:
            answer = await http.post(route, json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, SERVER_ERRORS[route])
    assert " 500 " in caplog.text
    assert "RuntimeError at " in caplog.text
    assert "Quill" not in answer.text + caplog.text


@pytest.mark.anyio
async def test_a_fault_in_an_answer_that_has_begun_closes_the_connection(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faulty(self: Answering, client: Client, *_: object) -> None:
        await client.send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("Ada Quill")

    monkeypatch.setattr(Answering, "answer", faulty)
    async with client(plane()) as http:
        with pytest.raises(LetheError) as raised:
            await http.post(CHAT, json=ASK)
    assert raised.value.__suppress_context__
    assert "Quill" not in f"{raised.value}{caplog.text}"


@pytest.mark.anyio
async def test_nothing_is_served_while_unready_and_readyz_says_why() -> None:
    for app in (
        plane(down="the engine is starting"),
        plane(planner=FakePlanner(reason="the policy is being compiled")),
    ):
        async with client(app) as http:
            ready = await http.get("/readyz")
            assert (ready.status_code, bool(ready.json()["reason"])) == (503, True)
            assert (await http.post(CHAT, json=ASK)).status_code == 503
            assert (await http.get("/v1/models")).status_code == 503
            assert (await http.get("/livez")).status_code == 200


@pytest.mark.anyio
async def test_the_log_line_of_a_request_holds_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "lethe.access")
    async with client(plane()) as http:
        await http.post(CHAT + "/Ada%20Quill", json=ASK)
        await http.post(CHAT, json={"messages": [{"role": "user", "content": "Ada Quill"}]})
    assert len(caplog.records) == 2
    assert "Quill" not in caplog.text
