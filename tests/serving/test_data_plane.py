"""The data plane around an in-process engine that says what the test tells it to."""

from __future__ import annotations

import asyncio
import gzip
import re
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from guard.decoding.backtracking import AbortToken
from guard.detection.calibration import Signals
from guard.detection.detector import Match
from guard.matching.automaton import Automaton
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.value_class import ValueClass, classes_of
from guard.policy.plan import Plan, PlanKind
from guard.targets.target import Mode
from guard.text.conversation import Message
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.asgi_client import json_scope
from serving.http.sse import DONE, frame
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT, COMPLETIONS

DECLINE = "I do not know."
QUILL = Automaton.compile(["Ada Quill"])
ASK = {"model": "m", "messages": [{"role": "user", "content": "Who sails?"}]}


class FakePlanner:
    def __init__(self, kind: PlanKind = PlanKind.PASS, reason: str = "", matches: tuple[Match, ...] = ()) -> None:
        self.kind = kind
        self.reason = reason
        self.matches = matches
        self.read: Sequence[Message] = ()
        self.detects = True
        self.abandoned = False
        self.enforces = False
        self.classes: tuple[ValueClass, ...] = ()

    def unready(self) -> str:
        return self.reason

    def enforces_contextual(self) -> bool:
        return self.enforces

    async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
        self.read = conversation
        automata = () if self.kind is PlanKind.PASS else (QUILL,)
        plan = Plan(self.kind, tuple(a.digest for a in automata), self.matches, 7)
        return PlannedRequest(plan, automata, classes=self.classes)


class FakeEngine:
    """Answers as vLLM does: `text` in the route's shape, streamed when asked; or a canned failure."""

    def __init__(self, text: str = "Ada Quill sails.", status: int = 200, error: Any = None) -> None:
        self.text = text
        self.status = status
        self.error = error
        self.bodies: list[dict[str, Any]] = []
        self.scopes: list[Scope] = []
        self.dies_after: int | None = None
        self.adapters: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["path"] == "/v1/models":
            card = {
                "id": "m",
                "object": "model",
                "created": 1,
                "owned_by": "vllm",
                "root": "/a/folder",
                "max_model_len": 64,
            }
            return await respond(send, 200, {"object": "list", "data": [card, *self.adapters]})
        if scope["path"] == "/tokenize":
            asked = orjson.loads(await read_body(receive, 10**6))
            count = len(orjson.dumps(asked).split())
            return await respond(send, 200, {"count": count, "max_model_len": 64, "tokens": []})
        if scope["path"] == "/detokenize":
            return await respond(send, 200, {"prompt": "Ada Qu"})
        body = orjson.loads(await read_body(receive, 10**6))
        self.bodies.append(body)
        if self.status != 200:
            return await respond(send, self.status, {"error": self.error})
        if not body.get("stream"):
            return await respond(send, 200, {"choices": [self.choice(scope["path"], self.text, "stop")]})
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for count, word in enumerate([*self.text.split(), ""]):
            if count == self.dies_after:
                raise RuntimeError("Ada Quill is in this message")
            finish = None if word else "stop"
            choice = self.choice(scope["path"], word + " " if word else "", finish, streamed=True)
            shown = {"prompt_token_ids": [7, 8]} if body.get("return_token_ids") and not count else {}
            event = frame(orjson.dumps({"choices": [choice], **shown}))
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    def choice(self, path: str, text: str, finish: str | None, streamed: bool = False) -> dict[str, Any]:
        said = {"text": text} if path == COMPLETIONS else {"delta" if streamed else "message": {"content": text}}
        return {"index": 0, **said, "finish_reason": finish}


class FakeSupervisor:
    def __init__(self, app: Any, reason: str = "", abort_token: AbortToken | None = None) -> None:
        self.app = app
        self.reason = reason
        self.abort_token = abort_token


def plane(
    engine: FakeEngine | None = None,
    planner: FakePlanner | None = None,
    keys: Sequence[str] = (),
    down: str = "",
    abort_token: AbortToken | None = None,
) -> DataPlane:
    app = None if down else engine or FakeEngine()
    return DataPlane(
        FakeSupervisor(app, down, abort_token),  # type: ignore[arg-type]
        planner or FakePlanner(),  # type: ignore[arg-type]
        Limits([SecretStr(key) for key in keys], 10_000, DECLINE, "1.2.3"),
    )


def client(app: DataPlane) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lethe")  # type: ignore[arg-type]


def events(text: str) -> list[Any]:
    payloads = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert payloads[-1] == "[DONE]"
    return [orjson.loads(payload) for payload in payloads[:-1]]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "/v1/files",
        "/v1/batches",
        "/pooling",
        "/tokenizer_info",
        "/v1/embeddings",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/invocations",
    ],
)
async def test_every_other_route_is_404(path: str) -> None:
    engine = FakeEngine()
    async with client(plane(engine)) as http:
        answer = await http.post(path, json=ASK)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown_route"
    assert engine.scopes == []


@pytest.mark.anyio
async def test_a_wrong_method_is_405_and_names_the_right_one() -> None:
    async with client(plane()) as http:
        answer = await http.get(CHAT)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.anyio
async def test_the_policy_is_written_into_every_request() -> None:
    engine = FakeEngine()
    async with client(plane(engine, FakePlanner(PlanKind.RESTRICT))) as http:
        await http.post(CHAT, json=ASK)
        await http.post(COMPLETIONS, json={"model": "m", "prompt": "x"})
    wanted = {"lethe_policy": "7", "lethe_automata": QUILL.digest}
    assert [body["vllm_xargs"] for body in engine.bodies] == [wanted, wanted]


@pytest.mark.anyio
async def test_a_clients_own_policy_is_refused() -> None:
    engine = FakeEngine()
    async with client(plane(engine)) as http:
        answer = await http.post(CHAT, json={**ASK, "vllm_xargs": {"lethe_policy": "0"}})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "vllm_xargs")
    assert engine.bodies == []


@pytest.mark.anyio
async def test_a_passing_stream_is_the_engines_own_bytes() -> None:
    engine = FakeEngine("Ada Quill")
    async with client(plane(engine)) as http:
        answer = await http.post(CHAT, json={**ASK, "stream": True})
    words = [engine.choice(CHAT, text, None, streamed=True) for text in ("Ada ", "Quill ")]
    choices = [*words, engine.choice(CHAT, "", "stop", streamed=True)]
    assert answer.content == b"".join(frame(orjson.dumps({"choices": [c]})) for c in choices) + frame(DONE)


@pytest.mark.anyio
async def test_a_passing_answer_is_the_engines_own_text() -> None:
    async with client(plane()) as http:
        answer = await http.post(CHAT, json=ASK)
    assert answer.json()["choices"][0]["message"] == {"content": "Ada Quill sails.", "refusal": None}


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("route", "body"), [(CHAT, ASK), (COMPLETIONS, {"model": "m", "prompt": "Who sails?"})])
async def test_a_restricted_answer_never_says_the_phrase(route: str, body: dict[str, Any], stream: bool) -> None:
    async with client(plane(FakeEngine("I know Ada Quill well."), FakePlanner(PlanKind.RESTRICT))) as http:
        answer = await http.post(route, json={**body, "stream": stream})
    assert answer.status_code == 200
    assert "Quill" not in answer.text
    assert "I know " in answer.text or "know " in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("route", "body"), [(CHAT, ASK), (COMPLETIONS, {"model": "m", "prompt": "Who sails?"})])
async def test_a_value_of_a_forbidden_class_is_never_said(route: str, body: dict[str, Any], stream: bool) -> None:
    planner = FakePlanner(PlanKind.RESTRICT)
    planner.classes = classes_of([Pattern(kind=PatternKind.IBAN, value="*")])
    engine = FakeEngine("I pay 1984 to DE89 3704 0044 0532 0130 00 now.")
    async with client(plane(engine, planner)) as http:
        answer = await http.post(route, json={**body, "stream": stream})
    assert answer.status_code == 200
    assert "DE89" not in answer.text
    assert "now" not in answer.text
    assert "1984" in answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("token", [3, None])
async def test_an_answer_under_a_target_may_be_begun_anew_where_the_engine_has_a_token_for_it(
    token: int | None,
) -> None:
    engine = FakeEngine("He sails.")
    abort_token = None if token is None else AbortToken(token, str)
    planner = FakePlanner(PlanKind.RESTRICT, matches=(Match("ft_1", 0.9, Signals(1.0, 0.9), Mode.ENFORCE),))
    async with client(plane(engine, planner, abort_token=abort_token)) as http:
        answer = await http.post(CHAT, json=ASK)
    assert answer.json()["choices"][0]["message"]["content"].strip() == "He sails."
    assert engine.bodies[0]["vllm_xargs"].get("lethe_rewind") == token


@pytest.mark.anyio
async def test_a_declined_request_reaches_the_engine_closed_and_says_the_fixed_text() -> None:
    engine = FakeEngine("")
    async with client(plane(engine, FakePlanner(PlanKind.DECLINE))) as http:
        answer = await http.post(CHAT, json={**ASK, "ignore_eos": True, "min_tokens": 9})
        streamed = await http.post(CHAT, json={**ASK, "stream": True})
    assert answer.json()["choices"][0]["message"]["content"] == DECLINE
    assert "".join(e["choices"][0]["delta"].get("content") or "" for e in events(streamed.text)) == DECLINE
    # The engine judges the client's own options before it is asked to end the answer.
    trial, body, _ = engine.bodies
    assert (trial["stream"], trial["min_tokens"]) == (True, 9)
    assert (body["vllm_xargs"]["lethe_automata"], body["ignore_eos"], body["min_tokens"]) == ("closed", False, 0)


@pytest.mark.anyio
async def test_a_whole_answer_the_engine_gave_up_is_asked_again_closed_and_without_its_grammar() -> None:
    engine = FakeEngine("", status=500, error={"message": "Internal server error", "code": 500})
    give_up = engine.__call__

    async def grammar(scope: Scope, receive: Receive, send: Send) -> None:
        engine.status = 500 if not engine.bodies else 200
        await give_up(scope, receive, send)

    async with client(plane(grammar, FakePlanner(PlanKind.RESTRICT))) as http:  # type: ignore[arg-type]
        answer = await http.post(CHAT, json={**ASK, "structured_outputs": {"choice": ["Ada Quill"]}})
    assert (answer.status_code, answer.json()["choices"][0]["message"]["content"]) == (200, DECLINE)
    first, second = engine.bodies
    assert "structured_outputs" in first
    assert "structured_outputs" not in second
    assert second["vllm_xargs"]["lethe_automata"] == "closed"


@pytest.mark.anyio
async def test_an_engine_failure_without_a_restriction_stays_a_failure() -> None:
    engine = FakeEngine(status=500, error={"message": "Internal server error", "code": 500})
    async with client(plane(engine)) as http:
        assert (await http.post(CHAT, json=ASK)).status_code == 500


@pytest.mark.anyio
async def test_the_detector_reads_prompts_of_token_ids() -> None:
    planner = FakePlanner()
    async with client(plane(planner=planner)) as http:
        await http.post(COMPLETIONS, json={"model": "m", "prompt": [1, 2, 3]})
    assert [message.text for message in planner.read] == ["Ada Qu"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("route", "asked", "count"),
    [
        (CHAT, {"messages": [{"role": "user", "content": "word " * 2_000}]}, 2_000),
        (COMPLETIONS, {"prompt": "word " * 2_000}, 2_000),
        (COMPLETIONS, {"prompt": ["short", "word " * 3_000]}, 3_000),
        (COMPLETIONS, {"prompt": [7] * 4_000}, 4_000),
    ],
)
async def test_what_is_longer_than_the_engines_context_is_refused_before_it_is_examined(
    route: str, asked: dict[str, Any], count: int
) -> None:
    engine, planner = FakeEngine(), FakePlanner()
    limits = Limits([], 10**6, DECLINE, "1.2.3")
    app = DataPlane(FakeSupervisor(engine), planner, limits)  # type: ignore[arg-type]
    async with client(app) as http:
        answer = await http.post(route, json={"model": "m", **asked})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "context_length_exceeded")
    assert error["param"] == ("messages" if route == CHAT else "prompt")
    assert "maximum context length is 64 tokens" in error["message"]
    # Of a text that is far too long the beginning alone is counted; a template adds its own.
    told = re.search(r"contains (at least )?(\d+)", error["message"])
    assert told is not None
    assert 64 < int(told[2]) <= count + 1
    assert told[1] or int(told[2]) >= count
    assert (planner.read, engine.bodies) == ((), [])


@pytest.mark.anyio
async def test_a_long_request_within_the_context_is_examined_and_answered() -> None:
    planner = FakePlanner()
    app = DataPlane(FakeSupervisor(FakeEngine()), planner, Limits([], 10**6, DECLINE, "1"))  # type: ignore[arg-type]
    async with client(app) as http:
        answer = await http.post(CHAT, json={"messages": [{"role": "user", "content": "x" * 100_000}]})
    assert answer.status_code == 200
    assert len(planner.read[0].text) == 100_000


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
async def test_a_fault_before_the_answer_is_logged_as_500(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(FakePlanner):
        async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
            raise RuntimeError

    with caplog.at_level("INFO", "lethe.access"):
        async with client(plane(planner=Faulty())) as http:
            with pytest.raises(RuntimeError):
                await http.post(CHAT, json=ASK)
    assert " 500 " in caplog.text


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
async def test_client_keys_are_asked_for_when_configured() -> None:
    async with client(plane(keys=("k1", "k2"))) as http:
        assert (await http.post(CHAT, json=ASK)).status_code == 401
        assert (await http.get("/v1/models", headers={"authorization": "Bearer nope"})).status_code == 401
        assert (await http.post(CHAT, json=ASK, headers={"authorization": "Bearer k2"})).status_code == 200
        assert (await http.get("/readyz")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header", [("authorization", "bearer k1"), ("authorization", "BEARER  k1"), ("x-api-key", "k1")]
)
async def test_a_key_is_read_as_openai_s_and_anthropic_s_clients_send_it_on_every_route(
    header: tuple[str, str],
) -> None:
    name, value = header
    async with client(plane(keys=("k1",))) as http:
        for sent, status in ((value, 200), (f"{value}x", 401), (value.replace("k1", ""), 401)):
            assert (await http.get("/v1/models", headers={name: sent})).status_code == status
            assert (await http.post(CHAT, json=ASK, headers={name: sent})).status_code == status


@pytest.mark.anyio
async def test_models_tell_nothing_of_the_machine() -> None:
    async with client(plane()) as http:
        answer = (await http.get("/v1/models")).json()
    assert answer == {
        "object": "list",
        "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "vllm", "max_model_len": 64}],
    }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "found"),
    [("m", "m"), ("org/adapter", "org/adapter"), ("org%2Fadapter", "org/adapter"), ("adapter", ""), ("{id}", "")],
)
async def test_one_model_is_found_by_its_id_slashes_included(path: str, found: str) -> None:
    engine = FakeEngine()
    engine.adapters = [{"id": "org/adapter", "object": "model", "created": 1, "owned_by": "vllm", "root": "/a"}]
    async with client(plane(engine)) as http:
        answer = await http.get(f"/v1/models/{path}")
        listed = (await http.get("/v1/models")).json()["data"]
    if found:
        assert answer.json() in listed
        assert answer.json()["id"] == found
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.anyio
@pytest.mark.parametrize("path", [f"/{CHAT}", f"{CHAT}/", f"{CHAT}?api-version=1", "//v1//chat/completions//"])
async def test_a_base_url_may_end_in_a_slash(path: str) -> None:
    engine = FakeEngine()
    async with client(plane(engine, FakePlanner(PlanKind.RESTRICT))) as http:
        answer = await http.post(f"http://lethe{path}", json=ASK)
        models = await http.get("http://lethe//v1/models/")
    assert (answer.status_code, models.status_code) == (200, 200)
    assert "Quill" not in answer.text
    assert [scope["path"] for scope in engine.scopes] == [CHAT, "/v1/models"]


@pytest.mark.anyio
@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"x"'])
async def test_a_malformed_body_is_a_400(raw: bytes) -> None:
    async with client(plane()) as http:
        answer = await http.post(CHAT, content=raw, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_body")


@pytest.mark.anyio
async def test_a_body_over_the_limit_is_a_413_even_in_chunks() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    async with client(plane()) as http:
        answer = await http.post(CHAT, content=pieces(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.anyio
async def test_a_compressed_body_is_read_and_another_encoding_named() -> None:
    engine = FakeEngine()
    body = gzip.compress(orjson.dumps(ASK))
    async with client(plane(engine)) as http:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        answer = await http.post(CHAT, content=body, headers=headers)
        other = await http.post(CHAT, content=body, headers={**headers, "content-encoding": "br"})
        bomb = await http.post(CHAT, content=gzip.compress(b" " * 10**7), headers=headers)
    assert (answer.status_code, engine.bodies[0]["messages"]) == (200, ASK["messages"])
    assert (other.status_code, other.json()["error"]["code"]) == (415, "unsupported_encoding")
    assert (bomb.status_code, bomb.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.anyio
async def test_a_byte_order_mark_before_the_body_is_passed_over() -> None:
    engine = FakeEngine()
    async with client(plane(engine)) as http:
        headers = {"content-type": "application/json"}
        answer = await http.post(CHAT, content=BOM_UTF8 + orjson.dumps(ASK), headers=headers)
    assert (answer.status_code, engine.bodies[0]["messages"]) == (200, ASK["messages"])


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.api+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_a_body_that_a_page_may_send_unasked_is_not_served(content_type: str, status: int) -> None:
    engine = FakeEngine()
    async with client(plane(engine)) as http:
        headers = {"content-type": content_type} if content_type else {}
        answer = await http.post(CHAT, content=orjson.dumps(ASK), headers=headers)
    assert answer.status_code == status
    assert len(engine.bodies) == (status == 200)
    if status != 200:
        assert answer.json()["error"]["code"] == "unsupported_media_type"


@pytest.mark.anyio
async def test_a_request_id_is_echoed_when_it_is_one() -> None:
    async with client(plane()) as http:
        given = await http.post(CHAT, json=ASK, headers={"x-request-id": "abc-1"})
        made = await http.post(CHAT, json=ASK, headers={"x-request-id": "not an id!"})
    assert given.headers["x-request-id"] == "abc-1"
    assert made.headers["x-request-id"].startswith("req-")


@pytest.mark.anyio
async def test_the_log_line_of_a_request_holds_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "lethe.access")
    async with client(plane()) as http:
        await http.post(CHAT + "/Ada%20Quill", json=ASK)
        await http.post(CHAT, json={"messages": [{"role": "user", "content": "Ada Quill"}]})
    assert len(caplog.records) == 2
    assert "Quill" not in caplog.text
