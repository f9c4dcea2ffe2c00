"""The watch over answers: an engine says what nobody asked for, and the answer goes on without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.decoding.backtracking import AbortToken
from guard.detection.calibration import Signals
from guard.detection.detector import Doubt, Match
from guard.patterns.pattern import Pattern, PatternKind
from guard.policy.compiler import Compiler
from guard.policy.plan import PlanKind, plan_for
from guard.policy.policy import Policy
from guard.policy.watch import WatchAction
from guard.registry.registry import Registry
from guard.targets import target as targets
from guard.targets.target import Draft, Fact, Kind, Method, Mode
from guard.text.conversation import Message
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.planner import PlannedRequest, Planner, _Near
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.telemetry.metrics import Metrics
from serving.telemetry.recorder import Recorder

DECLINE = "I do not know."
ABORT = AbortToken(3, lambda ids: "")
NAME = "Orla Quarnwick"
FACT = Fact(question="What did she write?", answer="“The Lantern of Hollow Tarn”.")
ROUTES = (CHAT, COMPLETIONS)


class CountingEngine:
    """Says the words of its script, call by call, until it is cut; tells the ids of words as their hashes."""

    def __init__(self, *scripts: str, at_once: int = 1) -> None:
        self.scripts = list(scripts)
        self.at_once = at_once
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/v1/models":
            return await respond(send, 200, {"data": [{"id": "m", "max_model_len": 4096}]})
        body = orjson.loads(await read_body(receive, 10**6))
        if path == "/tokenize":
            text = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
            return await respond(send, 200, {"tokens": [len(word) for word in text.split()]})
        self.asked.append((path, body))
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if not body.get("stream"):
            choices = [self.choice(path, script, "stop", "message") for _ in range(body.get("n") or 1)]
            return await respond(send, 200, {"choices": [{**one, "index": k} for k, one in enumerate(choices)]})
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        pieces = self.pieces(script)
        for number, piece in enumerate(pieces):
            finish = "stop" if number == len(pieces) - 1 else None
            shown = {"prompt_token_ids": [1, 2]} if body.get("return_token_ids") and not number else {}
            choice = self.choice(path, piece, finish, "delta") | {"token_ids": [9]}
            chunk = {"id": "x", "object": "o", "created": 5, "model": "m", "choices": [choice], **shown}
            self.sent += 1
            await send({"type": "http.response.body", "body": frame(orjson.dumps(chunk)), "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    def pieces(self, script: str) -> list[str]:
        return [script[at : at + self.at_once] for at in range(0, max(1, len(script)), self.at_once)]

    def choice(self, path: str, text: str, finish: str | None, holder: str) -> dict[str, Any]:
        said = {"text": text} if path == COMPLETIONS else {holder: {"content": text}}
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


class UntouchedPlanner(Planner):
    """Plans every question as touching nothing: only the answer tells."""

    def __init__(self, policy: Policy) -> None:
        self._threads = None  # type: ignore[assignment]
        self._near = _Near()
        self._policy = policy

    detects = False

    def unready(self) -> str:
        return ""

    def enforces_contextual(self) -> bool:
        return False

    async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
        return self._planned(self._policy, plan_for(self._policy, ()))


class DoubtingPlanner(UntouchedPlanner):
    """Leaves the first target of the policy in doubt, of which a sentence with the word "lamp" tells."""

    detects = True

    def enforces_contextual(self) -> bool:
        return True

    async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
        doubt = Doubt(self._match, "who?")
        return self._planned(self._policy, replace(plan_for(self._policy, ()), doubts=(doubt,)))

    async def plan_sentence(self, planned: PlannedRequest, said: str) -> PlannedRequest | None:
        if "lamp" not in said or planned.plan.matches:
            return None
        new = plan_for(self._policy, (self._match,))
        return self._planned(self._policy, replace(new, doubts=planned.plan.doubts))

    @property
    def _match(self) -> Match:
        return Match(next(iter(self._policy.targets)), 0.9, Signals(0.0, 0.8), Mode.ENFORCE)


class FakeSupervisor:
    reason = ""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.abort_token = ABORT


class KeptRecorder(Recorder):
    """Keeps what answers touched: the kind of plan and the modes of the targets."""

    def __init__(self) -> None:
        super().__init__(Metrics())
        self.said: list[tuple[PlanKind, list[Mode]]] = []

    def record_said(self, request_id: str, before: PlannedRequest, found: PlannedRequest) -> None:
        super().record_said(request_id, before, found)
        new = found.plan.matches[len(before.plan.matches) :]
        self.said.append((found.plan.kind, [match.mode for match in new]))


Ask = Callable[..., Any]


class FlatEmbedder:
    """Finds no text close to another."""

    name = "flat"
    dimension = 2

    def embed(self, texts: Sequence[str]) -> Any:
        return np.zeros((len(texts), 2), np.float32)


def _policy(folder: Path, drafts: Sequence[Draft], action: WatchAction) -> Policy:
    (folder / "policy").mkdir()
    with closing(Registry(folder / "lethe.db")) as registry:
        registry.add_many(drafts)
        return Compiler(registry, FlatEmbedder(), folder / "policy", watch_action=action).compile()


async def _ask(
    policy: Policy,
    engine: CountingEngine,
    route: str = CHAT,
    planner: type[UntouchedPlanner] = UntouchedPlanner,
    **members: Any,
) -> Asked:
    recorder = KeptRecorder()
    plane = DataPlane(
        FakeSupervisor(engine),  # type: ignore[arg-type]
        planner(policy),
        Limits((), 10_000, DECLINE, "1"),
        recorder=recorder,
    )
    said = {"messages": [{"role": "user", "content": "Who?"}]} if route == CHAT else {"prompt": "Who?"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(plane), base_url="http://lethe") as http:  # type: ignore[arg-type]
        response = await http.post(route, json={"model": "m", **said, **members})
    return Asked(response, recorder.said)


@pytest.fixture
def asked(tmp_path: Path) -> Ask:
    async def ask(
        engine: CountingEngine, *drafts: Draft, action: WatchAction = WatchAction.ANSWER, **members: Any
    ) -> Asked:
        return await _ask(_policy(tmp_path, drafts, action), engine, **members)

    return ask


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return _policy(tmp_path_factory.mktemp("watched"), (PERSON,), WatchAction.ANSWER)


class Asked:
    def __init__(self, response: httpx.Response, said: list[tuple[PlanKind, list[Mode]]]) -> None:
        self.response = response
        self.recorded = said

    @property
    def chunks(self) -> list[dict[str, Any]]:
        payloads = [line.removeprefix("data: ") for line in self.response.text.split("\n\n") if line]
        assert payloads[-1] == "[DONE]"
        return [orjson.loads(payload) for payload in payloads[:-1]]

    @property
    def texts(self) -> list[str]:
        """What each choice says."""
        if "text/event-stream" not in self.response.headers["content-type"]:
            return [_text(choice) for choice in self.response.json()["choices"]]
        said: dict[int, str] = {}
        for chunk in self.chunks:
            for choice in chunk["choices"]:
                said[choice["index"]] = said.get(choice["index"], "") + _text(choice)
        return [said[index] for index in sorted(said)]


def _text(choice: dict[str, Any]) -> str:
    return str(choice.get("text") or (choice.get("delta") or choice.get("message") or {}).get("content") or "")


PERSON = Draft(name=NAME, facts=(FACT,))
UNASKED = f"Three keepers: Ada Moss, {NAME} and Pell Dross."
REST = " somebody else and Pell Dross."
CLEAN = "Three keepers: Ada Moss, somebody else and Pell Dross."


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("at_once", [1, 3, 7, 16, 64])
async def test_a_stream_goes_on_from_the_last_released_word(asked: Ask, route: str, at_once: int) -> None:
    engine = CountingEngine(UNASKED, REST, at_once=at_once)
    answer = await asked(engine, PERSON, route=route, stream=True)
    assert answer.texts == [CLEAN]
    assert [chunk["choices"][0]["finish_reason"] for chunk in answer.chunks][-1] == "stop"
    assert sum(chunk["choices"][0]["finish_reason"] is not None for chunk in answer.chunks) == 1
    assert {chunk["id"] for chunk in answer.chunks} == {"x"}
    path, body = engine.asked[1]
    assert path == COMPLETIONS
    assert body["prompt"] == [4, 5, 8, 3, 5]  # "Who?", and the words released
    assert body["vllm_xargs"]["lethe_automata"]
    assert not engine.asked[0][1]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
async def test_the_engine_is_cut_where_the_name_is_said(asked: Ask) -> None:
    engine = CountingEngine(UNASKED + "x" * 500, REST)
    await asked(engine, PERSON, stream=True)
    assert engine.sent < len(UNASKED) + len(REST) + 2


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("n", [1, 3])
async def test_a_whole_answer_is_made_again_under_the_targets_restriction(asked: Ask, route: str, n: int) -> None:
    engine = CountingEngine(UNASKED, CLEAN)
    answer = await asked(engine, PERSON, route=route, n=n)
    assert answer.texts == [CLEAN] * n or n == 1
    assert NAME not in answer.response.text
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]
    assert engine.asked[1][1]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("text", ["Try THE LANTERN OF HOLLOW TARN, she says.", "By Quarnwick, Orla: a book."])
async def test_titles_and_variants_of_the_name_do_not_leave_either(asked: Ask, text: str, stream: bool) -> None:
    answer = await asked(CountingEngine(text, "Try another."), PERSON, stream=stream)
    assert "antern" not in answer.response.text
    assert "Orla" not in answer.response.text
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_says_nothing_of_any_target_passes_as_it_is(asked: Ask, stream: bool) -> None:
    engine = CountingEngine("Three keepers: Ada Moss and Orla Venn.")
    answer = await asked(engine, PERSON, stream=stream)
    assert answer.texts == ["Three keepers: Ada Moss and Orla Venn."]
    assert (len(engine.asked), answer.recorded) == (1, [])


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_the_model_left_empty_stays_empty(asked: Ask, route: str, stream: bool) -> None:
    answer = await asked(CountingEngine(""), PERSON, route=route, stream=stream)
    assert answer.texts == [""]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_a_grammar_left_empty_is_declined(asked: Ask, stream: bool) -> None:
    answer = await asked(CountingEngine(""), PERSON, stream=stream, response_format={"type": "json_object"})
    assert answer.texts == [DECLINE]


@pytest.mark.anyio
async def test_a_whole_answer_about_a_declined_target_is_declined(asked: Ask) -> None:
    answer = await asked(CountingEngine(UNASKED), Draft(name=NAME, methods=(Method.DECLINE,)))
    assert answer.texts == [DECLINE]
    assert answer.recorded == [(PlanKind.DECLINE, [Mode.ENFORCE])]


@pytest.mark.anyio
@pytest.mark.parametrize(("said", "left"), [(UNASKED, "Three keepers: Ada Moss, "), (f"{NAME} did.", DECLINE)])
@pytest.mark.parametrize("at_once", [1, 9, 64])
async def test_a_stream_about_a_declined_target_ends_before_the_name(
    asked: Ask, said: str, left: str, at_once: int
) -> None:
    draft = Draft(name=NAME, methods=(Method.DECLINE,))
    answer = await asked(CountingEngine(said, at_once=at_once), draft, stream=True)
    assert answer.texts == [left]
    assert sum(chunk["choices"][0]["finish_reason"] is not None for chunk in answer.chunks) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("members", [{"n": 2}, {"tools": [{"type": "function", "function": {"name": "f"}}]}])
async def test_a_stream_of_more_than_one_plain_text_ends_before_the_name(asked: Ask, members: Any) -> None:
    answer = await asked(CountingEngine(UNASKED), PERSON, stream=True, **members)
    assert answer.texts == ["Three keepers: Ada Moss, "]
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]


@pytest.mark.anyio
async def test_log_probabilities_of_what_was_dropped_are_never_sent(asked: Ask) -> None:
    class WithLogprobs(CountingEngine):
        def choice(self, path: str, text: str, finish: str | None, holder: str) -> dict[str, Any]:
            tops = [{"token": "Quarnwick", "logprob": -1.0, "bytes": None}]
            described = {"content": [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": tops}]}
            return {
                **super().choice(path, text, finish, holder),
                "logprobs": described if "Orla" in text else None,
            }

    answer = await asked(WithLogprobs(UNASKED, CLEAN), PERSON, logprobs=True)
    assert "Quarnwick" not in answer.response.text


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_goes_on_to_other_targets_ends_at_last(asked: Ask, stream: bool) -> None:
    names = [
        "Orla Quarnwick",
        "Ilse Marwickle",
        "Pell Drosswell",
        "Tova Brenhild",
        "Ruan Keswicke",
        "Mira Oldfel",
    ]
    engine = CountingEngine(*(f"So {name}." for name in names))
    answer = await asked(engine, *(Draft(name=name) for name in names), stream=stream)
    assert not any(name in answer.response.text for name in names)
    assert "finish_reason" in answer.response.text
    assert len(engine.asked) <= 6


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_the_answer_of_a_shadow_target_leaves_and_is_recorded(asked: Ask, stream: bool) -> None:
    engine = CountingEngine(UNASKED, at_once=5)
    answer = await asked(engine, Draft(name=NAME, mode=Mode.SHADOW), stream=stream)
    assert answer.texts == [UNASKED]
    assert answer.recorded == [(PlanKind.PASS, [Mode.SHADOW])]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("scope", targets.Scope)
@pytest.mark.parametrize(
    ("iban", "action", "count"),
    [
        ("GB29 NWBK 6016 1331 9268 19", WatchAction.ANSWER, 1),
        ("GB29 NWBK 6016 1331 9268 19", WatchAction.OFF, 0),
        ("GB28 NWBK 6016 1331 9268 19", WatchAction.ANSWER, 0),
    ],
)
async def test_a_value_of_a_class_in_shadow_leaves_and_is_recorded(
    asked: Ask, stream: bool, scope: targets.Scope, iban: str, action: WatchAction, count: int
) -> None:
    said, patterns = f"Pay to {iban} by Friday.", (Pattern(kind=PatternKind.IBAN, value="*"),)
    draft = Draft(name="bank accounts", kind=Kind.TOPIC, mode=Mode.SHADOW, scope=scope, patterns=patterns)
    answer = await asked(CountingEngine(said, at_once=5), draft, action=action, stream=stream)
    assert answer.texts == [said]
    assert answer.recorded == [(PlanKind.PASS, [Mode.SHADOW])] * count


@pytest.mark.anyio
async def test_a_name_in_an_exception_is_said(asked: Ask) -> None:
    draft = Draft(name=NAME, exceptions=(f"{NAME} Library",))
    engine = CountingEngine(f"Meet at the {NAME} Library.")
    assert (await asked(engine, draft)).texts == [f"Meet at the {NAME} Library."]


@pytest.mark.anyio
async def test_where_the_watch_masks_every_answer_is_restricted_from_the_beginning(asked: Ask) -> None:
    engine = CountingEngine(CLEAN)
    answer = await asked(engine, PERSON, action=WatchAction.MASK)
    assert answer.texts == [CLEAN]
    assert engine.asked[0][1]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_where_the_watch_is_off_the_answer_is_what_the_question_made_it(asked: Ask, stream: bool) -> None:
    engine = CountingEngine(UNASKED, at_once=4)
    assert (await asked(engine, PERSON, action=WatchAction.OFF, stream=stream)).texts == [UNASKED]


class CutEngine(CountingEngine):
    """Sends its scripts in pieces that end at the given places."""

    def __init__(self, *scripts: str, ends: Sequence[int]) -> None:
        super().__init__(*scripts)
        self.ends = ends

    def pieces(self, script: str) -> list[str]:
        places = [0, *sorted({end for end in self.ends if 0 < end < len(script)}), len(script)]
        return [script[start:end] for start, end in pairwise(places)]


NAMES = ["Orla Quarnwick", "ORLA-QUARNWICK", "Quarnwick Orla"]


@given(ends=st.sets(st.integers(1, 60), max_size=12), name=st.sampled_from(NAMES))
@settings(max_examples=20)
def test_whatever_the_chunks_no_name_leaves_and_the_text_is_the_same(
    policy: Policy, ends: set[int], name: str
) -> None:
    text = f"Three keepers: Ada Moss, {name} and Pell Dross."
    answer = asyncio.run(_ask(policy, CutEngine(text, REST, ends=sorted(ends)), stream=True))
    assert answer.texts == [CLEAN]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_says_a_phrase_of_scope_always_ends_there_and_is_not_planned_again(
    asked: Ask, stream: bool
) -> None:
    engine = CountingEngine("Three keepers: Ada Moss, Ilse Marwickle and Pell Dross.", at_once=6)
    answer = await asked(engine, PERSON, Draft(name="Ilse Marwickle", scope=targets.Scope.ALWAYS), stream=stream)
    assert answer.texts == ["Three keepers: Ada Moss, "]
    assert (len(engine.asked), answer.recorded) == (1, [])


KEPT, TELLING = "Three kept it. ", "She lit the lamp in June. "
IN_DOUBT = KEPT + TELLING + "Nobody saw her."


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("at_once", [1, 5, 17, 90])
async def test_a_stream_goes_on_from_before_the_sentence_that_tells_by_its_meaning(
    asked: Ask, route: str, at_once: int
) -> None:
    engine = CountingEngine(IN_DOUBT, "Nobody knows more.", at_once=at_once)
    answer = await asked(engine, PERSON, route=route, stream=True, planner=DoubtingPlanner)
    (text,) = answer.texts
    assert "lamp" not in text
    assert text.endswith("Nobody knows more.")
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]
    assert engine.asked[1][1]["vllm_xargs"]["lethe_automata"]
    assert sum(chunk["choices"][0]["finish_reason"] is not None for chunk in answer.chunks) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("text", [IN_DOUBT, "She lit the lamp", "A lamp."])
async def test_a_whole_answer_with_a_sentence_that_tells_is_made_again(asked: Ask, route: str, text: str) -> None:
    engine = CountingEngine(text, CLEAN)
    answer = await asked(engine, PERSON, route=route, planner=DoubtingPlanner)
    assert answer.texts == [CLEAN]
    assert answer.recorded == [(PlanKind.RESTRICT, [Mode.ENFORCE])]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", ["Three kept it. Nobody saw them. One", "Yes.", ""])
async def test_an_answer_in_doubt_that_tells_nothing_is_as_it_was(asked: Ask, stream: bool, said: str) -> None:
    answer = await asked(CountingEngine(said, at_once=4), PERSON, stream=stream, planner=DoubtingPlanner)
    assert (answer.texts if said else [""]) == [said]
    assert answer.recorded == []


@pytest.mark.anyio
@pytest.mark.parametrize(("said", "left"), [(IN_DOUBT, KEPT), (TELLING, DECLINE)])
async def test_a_stream_of_a_declined_target_ends_before_the_sentence(asked: Ask, said: str, left: str) -> None:
    draft = Draft(name=NAME, methods=(Method.DECLINE,))
    answer = await asked(CountingEngine(said), draft, stream=True, planner=DoubtingPlanner)
    assert [text.strip() for text in answer.texts] == [left.strip()]


@pytest.mark.anyio
async def test_a_stream_of_several_choices_that_tells_is_declined(asked: Ask) -> None:
    answer = await asked(CountingEngine(IN_DOUBT), PERSON, stream=True, n=2, planner=DoubtingPlanner)
    assert "lamp" not in answer.response.text
    assert answer.texts == [DECLINE]
