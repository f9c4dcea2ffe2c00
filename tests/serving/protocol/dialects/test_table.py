"""The routes that are mapped to chat, through the whole data plane."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from guard.policy.plan import PlanKind
from guard.text.json_escapes import unescape
from serving.http.asgi import respond
from serving.http.sse import DONE, frame
from serving.protocol.refused_fields import CHAT, MESSAGES, RESPONSES
from tests.serving.data_plane import DECLINE, QUILL, FakeEngine, FakePlanner, client, plane

BODIES: dict[str, dict[str, Any]] = {
    RESPONSES: {"model": "m", "input": "Who sails?"},
    MESSAGES: {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Who sails?"}]},
}
ROUTES = pytest.mark.parametrize("route", BODIES)
STREAM = pytest.mark.parametrize("stream", [False, True])


def events(text: str) -> list[Any]:
    frames = [frame.split("\n") for frame in text.split("\n\n") if frame]
    return [orjson.loads(data.removeprefix("data: ")) for _, data in frames]


def text_of(route: str, answer: str, stream: bool) -> str:
    if not stream:
        body = orjson.loads(answer)
        parts = body["output"][0]["content"] if route == RESPONSES else body["content"]
        return "".join(part["text"] for part in parts)
    told = events(answer)
    if route == RESPONSES:
        return "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta")
    return "".join(event["delta"]["text"] for event in told if event["type"] == "content_block_delta")


@pytest.mark.anyio
@ROUTES
async def test_the_engine_is_asked_for_chat_under_the_policy(route: str) -> None:
    engine, planner = FakeEngine(), FakePlanner(PlanKind.RESTRICT)
    async with client(plane(engine, planner)) as http:
        answer = await http.post(route, json=BODIES[route])
    assert answer.status_code == 200
    assert [scope["path"] for scope in engine.scopes] == [CHAT]
    assert engine.bodies[0]["vllm_xargs"] == {"lethe_policy": "7", "lethe_automata": QUILL.digest}
    assert [message.text for message in planner.read] == ["Who sails?"]


@pytest.mark.anyio
@ROUTES
@STREAM
async def test_a_passing_answer_is_the_engines_text(route: str, stream: bool) -> None:
    async with client(plane(FakeEngine("Ada Quill sails. "))) as http:
        answer = await http.post(route, json={**BODIES[route], "stream": stream})
    assert text_of(route, answer.text, stream).split() == ["Ada", "Quill", "sails."]


@pytest.mark.anyio
@ROUTES
@STREAM
async def test_a_restricted_answer_never_says_the_phrase(route: str, stream: bool) -> None:
    async with client(plane(FakeEngine("I know Ada Quill well."), FakePlanner(PlanKind.RESTRICT))) as http:
        answer = await http.post(route, json={**BODIES[route], "stream": stream})
    assert "Quill" not in answer.text
    assert text_of(route, answer.text, stream) == "I know "


@pytest.mark.anyio
@ROUTES
@STREAM
async def test_a_declined_answer_is_an_ordinary_one_with_the_fixed_text(route: str, stream: bool) -> None:
    async with client(plane(FakeEngine(""), FakePlanner(PlanKind.DECLINE))) as http:
        answer = await http.post(route, json={**BODIES[route], "stream": stream})
    assert answer.status_code == 200
    assert text_of(route, answer.text, stream) == DECLINE


@pytest.mark.anyio
async def test_an_engine_that_dies_in_a_stream_ends_it_as_the_dialect_tells_failures() -> None:
    for route, names in ((RESPONSES, ["error", "response.failed"]), (MESSAGES, ["error"])):
        engine = FakeEngine("one two three")
        engine.dies_after = 2
        async with client(plane(engine)) as http:
            answer = await http.post(route, json={**BODIES[route], "stream": True})
        assert [event["type"] for event in events(answer.text)][-len(names) :] == names


@pytest.mark.anyio
async def test_errors_have_the_dialects_shape_and_name_its_fields() -> None:
    error = {"message": "value Ada Quill is wrong", "type": "X", "param": "max_completion_tokens", "code": 400}
    async with client(plane(FakeEngine(status=400, error=error))) as http:
        openai = (await http.post(RESPONSES, json=BODIES[RESPONSES])).json()["error"]
        anthropic = await http.post(MESSAGES, json=BODIES[MESSAGES], headers={"x-request-id": "r1"})
        unheard = await http.post(MESSAGES, content=b"{", headers={"content-type": "application/json"})
        wrong = await http.get(MESSAGES)
    assert openai["param"] == "max_output_tokens"
    assert (anthropic.status_code, anthropic.json()["type"], anthropic.json()["request_id"]) == (
        400,
        "error",
        "r1",
    )
    assert anthropic.json()["error"]["type"] == "invalid_request_error"
    assert "Quill" not in anthropic.text
    assert (unheard.status_code, unheard.json()["type"]) == (400, "error")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "error")


@pytest.mark.anyio
async def test_every_dialect_takes_the_key_of_either_header() -> None:
    async with client(plane(keys=("k1",))) as http:
        assert (await http.post(MESSAGES, json=BODIES[MESSAGES], headers={"x-api-key": "k1"})).status_code == 200
        assert (await http.post(MESSAGES, json=BODIES[MESSAGES], headers={"x-api-key": "no"})).status_code == 401
        assert (await http.post(RESPONSES, json=BODIES[RESPONSES], headers={"x-api-key": "k1"})).status_code == 200
        refused = await http.post(MESSAGES, json=BODIES[MESSAGES])
    assert refused.json()["error"]["type"] == "authentication_error"


@pytest.mark.anyio
async def test_a_comment_of_a_stream_keeps_the_connection_alive_in_any_dialect() -> None:
    engine = FakeEngine("one")
    speak = engine.__call__

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def late(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                await send({"type": "http.response.body", "body": b": keep-alive\n\n", "more_body": True})

        await speak(scope, receive, late)

    for route, body in BODIES.items():
        async with client(plane(slow)) as http:  # type: ignore[arg-type]
            answer = await http.post(route, json={**body, "stream": True})
        assert text_of(route, answer.text.removeprefix(": keep-alive\n\n"), True).strip() == "one"


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "arguments", ['{"input": "So Ada Quill sails"}', r'{"input": "So \u0041da Qu\u0069ll sails"}']
)
async def test_the_text_of_a_custom_tool_is_guarded_as_arguments_are(stream: bool, arguments: str) -> None:
    async def engine(scope: Any, receive: Any, send: Any) -> None:
        function = {"name": "apply_patch", "arguments": arguments}
        call = {"index": 0, "id": "c1", "type": "function", "function": function}
        said = {"content": None, "tool_calls": [call]}
        if not stream:
            choice = {"index": 0, "message": said, "finish_reason": "tool_calls"}
            return await respond(send, 200, {"choices": [choice]})
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
        )
        for delta, reason in ((said, None), ({}, "tool_calls")):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            body = frame(orjson.dumps({"choices": [choice]}))
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE)})

    tools = [{"type": "custom", "name": "apply_patch"}]
    asked = {"model": "m", "input": "Who sails?", "tools": tools, "stream": stream}
    async with client(plane(engine, FakePlanner(PlanKind.RESTRICT))) as http:  # type: ignore[arg-type]
        answer = await http.post(RESPONSES, json=asked)
    assert answer.status_code == 200
    assert "custom_tool_call" in answer.text
    assert "Quill" not in unescape(answer.text)


@pytest.mark.anyio
async def test_media_are_refused_in_the_dialects_own_words() -> None:
    planner = FakePlanner()
    planner.enforces = True
    picture = {"type": "input_image", "image_url": "https://a.example/x.png"}
    async with client(plane(planner=planner)) as http:
        answer = await http.post(RESPONSES, json={"model": "m", "input": [{"role": "user", "content": [picture]}]})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "unread_media", "input")
