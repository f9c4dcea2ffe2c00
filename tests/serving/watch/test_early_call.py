"""Detection overlaps prefill: what leaves, and when, whichever of engine and judgement is faster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.detection.calibration import Signals
from guard.detection.detector import Match
from guard.matching.automaton import Automaton
from guard.policy.plan import Plan, PlanKind
from guard.registry.drafts import new_target
from guard.targets.target import Draft, Mode
from guard.text.conversation import Message
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send, read_body, respond, wait_for_disconnect
from serving.http.asgi_client import json_scope
from serving.http.sse import DONE, frame
from serving.planner import PlannedRequest, Unnamed
from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from serving.telemetry.metrics import Metrics
from serving.telemetry.recorder import Recorder
from serving.watch.early_call import JUDGED, MAX_RUNNING, MAX_TOUCHED, EarlyCall, Overlap
from serving.watch.natural import DeclineStyle

DECLINE = "I do not know."
SECRET = "Orla Quarnwick keeps the light."
PLAIN = "Many people do so."
QUILL = Automaton.compile(["Ada Quill"])
MATCH = Match("ft_1", 0.9, Signals(0.0, 0.9), Mode.ENFORCE)
UNTOUCHED = PlannedRequest(Plan(PlanKind.PASS, (), (), 7), ())
RESTRICTED = PlannedRequest(Plan(PlanKind.RESTRICT, (QUILL.digest,), (MATCH,), 7), (QUILL,))
DECLINED = PlannedRequest(Plan(PlanKind.DECLINE, (), (MATCH,), 7), ())
SHADOW = new_target(Draft(name="Orla Quarnwick", mode=Mode.SHADOW))
SHADOWED = PlannedRequest(
    replace(UNTOUCHED.plan, matches=(replace(MATCH, mode=Mode.SHADOW),)), (), {"ft_1": SHADOW}
)


class Engine:
    """Says SECRET where nothing restricts it and PLAIN elsewhere, word by word, each when `pace` lets it."""

    def __init__(self, pace: Callable[[], Awaitable[None]]) -> None:
        self.pace = pace
        self.bodies: list[dict[str, Any]] = []
        self.aborted = 0
        self.ids: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = orjson.loads(await read_body(receive, 10**6))
        self.bodies.append(body)
        self.ids.append(dict(scope["headers"]).get(b"x-request-id", b""))
        answering = asyncio.ensure_future(self._answer(scope["path"], body, send))
        gone = asyncio.ensure_future(wait_for_disconnect(receive))
        done, _ = await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
        self.aborted += answering not in done
        for task in (answering, gone):
            task.cancel()
        await asyncio.gather(answering, gone, return_exceptions=True)

    async def _answer(self, path: str, body: dict[str, Any], send: Send) -> None:
        text = SECRET if not body["vllm_xargs"].get("lethe_automata") else PLAIN
        words = [f"{word} " for word in text.split()]
        for _ in words:
            await self.pace()
        if not body.get("stream"):
            choice = {"index": 0, **self._said(path, "message", text), "finish_reason": "stop"}
            return await respond(send, 200, {"choices": [choice], "usage": {"completion_tokens": len(words)}})
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, word in enumerate(words):
            await self.pace()
            ends = "stop" if number == len(words) - 1 else None
            choice = {"index": 0, **self._said(path, "delta", word), "token_ids": [number], "finish_reason": ends}
            shown = {"prompt_token_ids": [7, 8]} if body.get("return_token_ids") and not number else {}
            event = frame(orjson.dumps({"choices": [choice], **shown}))
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    def _said(self, path: str, holder: str, text: str) -> dict[str, Any]:
        return {"text": text} if path == COMPLETIONS else {holder: {"content": text}}


@dataclass
class SlowPlanner:
    """Finds no name, and judges the meaning as the test says, after so many turns of the loop."""

    planned: PlannedRequest
    turns: int
    names: bool = False
    judged: bool = field(default=False, init=False)
    detects = True

    def unready(self) -> str:
        return ""

    def in_conversation(self, told: object) -> SlowPlanner:
        return self

    def enforces_contextual(self) -> bool:
        return True

    async def plan(self, conversation: Sequence[Message], unnamed: Unnamed | None = None) -> PlannedRequest:
        if unnamed is not None and not self.names:
            unnamed(UNTOUCHED)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.judged = True
        return self.planned


class Supervisor:
    reason = ""
    abort_token = None

    def __init__(self, app: Any) -> None:
        self.app = app


@dataclass
class Answered:
    """What the client got, whether any of it before the judgement, of which engine, and what was counted."""

    body: Any
    engine: Engine
    metrics: Metrics
    early: bool

    def count(self, outcome: str) -> float:
        value = self.metrics.registry.get_sample_value("lethe_early_calls_total", {"outcome": outcome})
        return value or 0.0


async def ask(
    planner: SlowPlanner,
    pace: Callable[[], Awaitable[None]],
    overlap: bool = True,
    path: str = CHAT,
    style: DeclineStyle = "fixed",
    **body: Any,
) -> Answered:
    engine, recorder = Engine(pace), Recorder(Metrics())
    limits = Limits([], 10_000, DECLINE, "1", decline_style=style, overlap_detection=overlap)
    app = DataPlane(Supervisor(engine), planner, limits, recorder=recorder)  # type: ignore[arg-type]
    messages = {"messages": [{"role": "user", "content": "Who?"}]}
    said = {COMPLETIONS: {"prompt": "Who?"}, RESPONSES: {}}.get(path, messages)
    raw = orjson.dumps({"model": "m", **said, **body})
    early: list[bool] = []
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        early.append(not planner.judged)
        parts.append(message.get("body", b""))

    asked = [{"type": "http.request", "body": raw}]

    async def receive() -> Any:
        if asked:
            return asked.pop()
        await asyncio.Event().wait()

    scope = {**json_scope(path, len(raw)), "headers": [(b"content-type", b"application/json")]}
    await app(scope, receive, send)
    return Answered(b"".join(parts), engine, recorder.metrics, any(early))


PLANS = st.sampled_from([UNTOUCHED, RESTRICTED, DECLINED, SHADOWED])


@settings(deadline=None, max_examples=60)
@given(
    planned=PLANS,
    turns=st.integers(0, 40),
    paces=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    stream=st.booleans(),
    path=st.sampled_from([CHAT, COMPLETIONS]),
    names=st.booleans(),
)
def test_whichever_comes_first_the_client_gets_what_it_gets_without_overlap_and_nothing_before_the_judgement(
    planned: PlannedRequest, turns: int, paces: list[int], stream: bool, path: str, names: bool
) -> None:
    async def run(overlap: bool) -> Answered:
        left = iter(paces * 10)

        async def pace() -> None:
            for _ in range(next(left, 0)):
                await asyncio.sleep(0)

        return await ask(SlowPlanner(planned, turns, names), pace, overlap, path, stream=stream)

    with_overlap, without = asyncio.run(run(True)), asyncio.run(run(False))
    assert with_overlap.body == without.body
    assert not with_overlap.early
    assert (b"Quarnwick" in with_overlap.body) is not planned.plan.is_touched
    assert len(without.engine.bodies) == 1
    begun = with_overlap.count("kept") + with_overlap.count("dropped")
    assert begun == 0 or not names
    assert with_overlap.count("dropped") == (begun and planned.plan.is_touched)
    assert len(with_overlap.engine.bodies) == 1 + with_overlap.count("dropped")


@pytest.mark.anyio
async def test_under_natural_declines_no_question_begins_before_it_is_judged() -> None:
    answered = await ask(SlowPlanner(UNTOUCHED, 60), quick, style="natural")
    assert b"Quarnwick" in answered.body
    assert answered.count("kept") == answered.count("dropped") == 0
    assert (await ask(SlowPlanner(UNTOUCHED, 60), quick)).count("kept") == 1


@pytest.mark.anyio
@pytest.mark.parametrize("planned", [UNTOUCHED, RESTRICTED, DECLINED])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [RESPONSES, MESSAGES])
async def test_the_other_routes_hold_back_as_well(planned: PlannedRequest, stream: bool, path: str) -> None:
    said = {"input": "Who?"} if path == RESPONSES else {"max_tokens": 9}
    answered = await ask(SlowPlanner(planned, 60), quick, path=path, stream=stream, **said)
    assert not answered.early
    assert (b"Quarnwick" in answered.body) is not planned.plan.is_touched
    assert answered.count("dropped") == planned.plan.is_touched
    assert answered.count("kept") == (not planned.plan.is_touched)


@pytest.mark.anyio
async def test_a_client_that_leaves_before_the_judgement_aborts_the_call_that_began() -> None:
    engine, planner = Engine(lambda: asyncio.sleep(60)), SlowPlanner(UNTOUCHED, 10**6)
    app = DataPlane(Supervisor(engine), planner, Limits([], 10_000, DECLINE, "1"))  # type: ignore[arg-type]
    raw = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "Who?"}]})
    asked = [{"type": "http.request", "body": raw}]

    async def receive() -> Any:
        while not asked and not engine.bodies:
            await asyncio.sleep(0)
        return asked.pop() if asked else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pytest.fail("nobody is there")

    scope = {**json_scope(CHAT, len(raw)), "headers": [(b"content-type", b"application/json")]}
    await app(scope, receive, send)
    assert (len(engine.bodies), engine.aborted, planner.judged) == (1, 1, False)


async def quick() -> None:
    await asyncio.sleep(0)


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_the_engine_begins_at_once_where_words_say_nothing(stream: bool) -> None:
    answered = await ask(SlowPlanner(UNTOUCHED, 100), quick, stream=stream)
    assert (answered.count("kept"), answered.count("dropped"), answered.engine.aborted) == (1, 0, 0)
    assert len(answered.engine.bodies) == 1


@pytest.mark.anyio
async def test_a_call_whose_request_is_touched_is_aborted_and_the_next_has_the_same_id() -> None:
    async def never() -> None:
        if len(answers) == 0:
            answers.append(1)
            await asyncio.Event().wait()

    answers: list[int] = []
    answered = await ask(SlowPlanner(RESTRICTED, 5), never, stream=True)
    assert (answered.count("kept"), answered.count("dropped"), answered.engine.aborted) == (0, 1, 1)
    assert len(set(answered.engine.ids)) == 1
    assert b"Quarnwick" not in answered.body


@pytest.mark.anyio
async def test_a_failed_examination_aborts_the_call_that_began() -> None:
    @dataclass
    class Failing(SlowPlanner):
        async def plan(self, conversation: Sequence[Message], unnamed: Unnamed | None = None) -> PlannedRequest:
            await super().plan(conversation, unnamed)
            raise TimeoutError

    engine = Engine(lambda: asyncio.sleep(60))
    app = DataPlane(
        Supervisor(engine),  # type: ignore[arg-type]
        Failing(UNTOUCHED, 5),  # type: ignore[arg-type]
        Limits([], 10_000, DECLINE, "1"),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lethe") as http:  # type: ignore[arg-type]
        answer = await http.post(CHAT, json={"model": "m", "messages": [{"role": "user", "content": "Who?"}]})
    assert (answer.status_code, engine.aborted) == (500, 1)


def test_it_is_detected_first_where_meaning_touches_too_many_requests() -> None:
    overlap = Overlap(True, Metrics())
    for _ in range(int(MAX_TOUCHED * JUDGED)):
        overlap.judged(True)
    assert overlap.may_begin
    overlap.judged(True)
    assert not overlap.may_begin
    for _ in range(JUDGED):
        overlap.judged(False)
    assert overlap.may_begin


def test_it_is_detected_first_where_the_engine_has_a_queue() -> None:
    overlap = Overlap(True, Metrics())
    for _ in range(MAX_RUNNING + 1):
        overlap.enter()
    assert not overlap.may_begin
    overlap.leave()
    assert overlap.may_begin
    assert not Overlap(False, Metrics()).may_begin


@pytest.mark.anyio
async def test_what_begins_after_the_judgement_or_the_end_begins_nothing() -> None:
    engine = Engine(quick)
    async with EarlyCall(engine, None, "", Overlap(True, Metrics())) as call:  # type: ignore[arg-type]
        call.judged(UNTOUCHED)
        call.begin(UNTOUCHED)
        await asyncio.sleep(0.01)
    call.begin(UNTOUCHED)
    await asyncio.sleep(0.01)
    assert engine.bodies == []
