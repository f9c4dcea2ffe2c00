"""The data plane: what each answer is made of, and which policy is written into its request."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from guard.decoding.backtracking import AbortToken
from guard.detection.calibration import Signals
from guard.detection.detector import Match
from guard.patterns.pattern import Pattern, PatternKind
from guard.patterns.value_class import classes_of
from guard.policy.plan import PlanKind
from guard.targets.target import Mode
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send
from serving.http.sse import DONE, frame
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from tests.serving.data_plane import (
    ASK,
    DECLINE,
    QUILL,
    FakeEngine,
    FakePlanner,
    FakeSupervisor,
    client,
    events,
    plane,
)


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
