"""Backtracking on an in-process engine whose rows abort where a script says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import orjson
import pytest

from guard.decoding.backtracking import MAX_BACKTRACKS, AbortToken
from guard.detection.calibration import Signals
from guard.detection.detector import Match
from guard.matching.automaton import Automaton
from guard.policy.plan import Plan, PlanKind
from guard.targets.target import Decoder, Mode
from serving.answers.backtracking import BacktrackingApplication, should_backtrack
from serving.http.asgi import App, Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest

VENN = Automaton.compile(["Orla Venn"])
GIVE_UP, END = 3, 2
PROMPT = [7, 8]
ARGUMENTS = {"lethe_policy": "3", "lethe_automata": VENN.digest}
# What each token reads as; together they read the same.
TEXTS = {10: "By", 11: " Or", 12: "la", 13: " Ve", 14: " nobody", 15: ".", 16: " Orla", END: ""}
ABORT_TOKEN = AbortToken(GIVE_UP, lambda ids: "".join(TEXTS.get(one, "") for one in ids))
# What the engine says, call by call.
HEADING = ((10, 11, 12, 13, GIVE_UP), (14, 15, END))
SAID = "By nobody."


class Engine:
    """Answers as vLLM streams, a part of the script in each call; keeps what it was asked."""

    first_has_text = False

    def __init__(self, *parts: Sequence[int], finish: str = "stop", at_once: int = 1, fails: Any = None) -> None:
        self.parts = list(parts)
        self.finish = finish
        self.at_once = at_once
        self.fails = fails
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/v1/models":
            return await respond(send, 200, {"data": [{"id": "m", "max_model_len": 64}]})
        body = orjson.loads(await read_body(receive, 10**6))
        self.asked.append((path, body))
        if self.fails and not self.parts:
            return await respond(send, *self.fails)
        part = self.parts.pop(0)
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in self.chunks(path, part):
            await send({"type": "http.response.body", "body": frame(orjson.dumps(chunk)), "more_body": True})
        if (body["stream_options"] or {}).get("include_usage"):
            closing = {"choices": [], "system_fingerprint": "f", "usage": {"prompt_tokens": 9, "details": 1}}
            event = frame(orjson.dumps({**self.head(path), **closing}))
            await send({"type": "http.response.body", "body": event, "more_body": True})
        if self.fails and not self.parts and self.fails[0] == 200:
            await send(
                {"type": "http.response.body", "body": frame(orjson.dumps(self.fails[1])), "more_body": True}
            )
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    def chunks(self, path: str, part: Sequence[int]) -> list[dict[str, Any]]:
        made = []
        if path == CHAT:
            first = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
            if not self.first_has_text:
                made.append({**self.head(path), "choices": [first], "prompt_token_ids": PROMPT})
        for start in range(0, len(part), self.at_once):
            tokens = part[start : start + self.at_once]
            is_last = start + self.at_once >= len(part)
            text = "".join(TEXTS.get(token, "") for token in tokens)
            said = {"delta": {"content": text}} if path == CHAT else {"text": text}
            shown = {"prompt_token_ids": PROMPT} if path == COMPLETIONS and not start else {}
            head = self.head(path)
            if path == CHAT and self.first_has_text and not start:
                said["delta"]["role"] = "assistant"
                head["prompt_token_ids"] = PROMPT
            reason = {"stop_reason": GIVE_UP if tokens[-1] == GIVE_UP else None} if is_last else {}
            choice = {"index": 0, **said, "logprobs": None, "finish_reason": self.finish if is_last else None}
            made.append({**head, "choices": [{**choice, **shown, **reason, "token_ids": tokens}]})
        return made

    def head(self, path: str) -> dict[str, Any]:
        kind = "chat.completion.chunk" if path == CHAT else "text_completion"
        return {"id": f"x-{len(self.asked)}", "object": kind, "created": 5, "model": "m"}


def body_of(route: str, **members: Any) -> dict[str, Any]:
    said = {"messages": [{"role": "user", "content": "Who?"}]} if route == CHAT else {"prompt": "Who?"}
    return {"model": "m", **said, **members}


async def post(engine: App, body: dict[str, Any], route: str = CHAT) -> httpx.Response:
    request = GenerationRequest(route, body)
    app = BacktrackingApplication(engine, request, [VENN], "", ABORT_TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lethe") as http:  # type: ignore[arg-type]
        return await http.post(route, json={**body, "vllm_xargs": ARGUMENTS}, headers={"x-request-id": "r1"})


def events(response: httpx.Response) -> list[dict[str, Any]]:
    payloads = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert payloads[-1] == "[DONE]"
    return [orjson.loads(payload) for payload in payloads[:-1]]


@pytest.mark.anyio
async def test_it_counts_how_often_the_answer_backtracked() -> None:
    request = GenerationRequest(CHAT, body := body_of(CHAT))
    app = BacktrackingApplication(Engine(*HEADING), request, [VENN], "", ABORT_TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lethe") as http:  # type: ignore[arg-type]
        await http.post(CHAT, json={**body, "vllm_xargs": ARGUMENTS})
    assert app.restarts == 1


@pytest.mark.anyio
async def test_a_chat_goes_on_with_another_word() -> None:
    answer = (await post(Engine(*HEADING), body_of(CHAT, max_tokens=9, seed=4))).json()
    assert answer["choices"][0]["message"]["content"] == SAID
    assert answer["usage"] == {"prompt_tokens": 2, "details": 1, "completion_tokens": 4, "total_tokens": 6}
    assert answer["system_fingerprint"] == "f"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert (answer["id"], answer["object"], answer["model"]) == ("chatcmpl-r1", "chat.completion", "m")


@pytest.mark.anyio
@pytest.mark.parametrize("at_once", [2, 3, 5])
@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
async def test_an_answer_does_not_depend_on_which_of_its_tokens_came_together(route: str, at_once: int) -> None:
    engine = Engine(*HEADING, at_once=at_once)
    chunks = events(await post(engine, body_of(route, stream=True), route))
    choices = [chunk["choices"][0] for chunk in chunks]
    said = [choice["text"] if route == COMPLETIONS else choice["delta"].get("content", "") for choice in choices]
    assert "".join(said) == SAID
    assert engine.asked[1][1]["vllm_xargs"]["lethe_avoided"] == "11"
    assert engine.asked[1][1]["prompt"] == [*PROMPT, 10]


@pytest.mark.anyio
async def test_tokens_that_came_together_and_read_otherwise_alone_are_given_up_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine(*HEADING, at_once=5)
    monkeypatch.setattr("tests.serving.answers.test_backtracking.ABORT_TOKEN", AbortToken(GIVE_UP, str))
    answer = (await post(engine, body_of(CHAT))).json()
    assert answer["choices"][0]["message"]["content"] == " nobody."
    assert engine.asked[1][1]["vllm_xargs"]["lethe_avoided"] == "10"


@pytest.mark.anyio
@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
async def test_a_stream_is_one_answer_of_which_nothing_is_taken_back(route: str) -> None:
    response = await post(Engine(*HEADING), body_of(route, stream=True), route)
    chunks = events(response)
    choices = [chunk["choices"][0] for chunk in chunks]
    said = [choice["text"] if route == COMPLETIONS else choice["delta"].get("content", "") for choice in choices]
    assert "".join(said) == SAID
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
    assert {chunk["id"] for chunk in chunks} == {"x-1"}
    assert {chunk["object"] for chunk in chunks} == {
        "chat.completion.chunk" if route == CHAT else "text_completion"
    }
    assert all(choice.get(name) is None for choice in choices for name in ("token_ids", "prompt_token_ids"))
    assert all(chunk.get("prompt_token_ids") is None for chunk in chunks)
    assert ("role" in choices[0].get("delta", {})) == (route == CHAT)


@pytest.mark.anyio
async def test_the_usage_of_a_stream_is_that_of_the_answer_and_comes_when_asked_for() -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    *_, last = events(await post(Engine(*HEADING), body_of(CHAT, **asked)))
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 2, "details": 1, "completion_tokens": 4, "total_tokens": 6}
    assert (last["system_fingerprint"], last["id"]) == ("f", "x-1")
    assert all("usage" not in chunk for chunk in events(await post(Engine(*HEADING), body_of(CHAT, stream=True))))


@pytest.mark.anyio
async def test_a_token_that_led_to_a_phrase_stays_barred_where_the_answer_aborts_again() -> None:
    engine = Engine((10, 16, GIVE_UP), (14, 11, 12, GIVE_UP), (14, 15, END))
    await post(engine, body_of(CHAT))
    arguments = [body["vllm_xargs"] for _, body in engine.asked]
    assert [one.get("lethe_barred") for one in arguments] == [None, "16", "16"]
    assert [one.get("lethe_avoided") for one in arguments] == [None, "16", "11"]


@pytest.mark.anyio
async def test_the_engine_is_asked_to_go_on_from_the_tokens_that_stay() -> None:
    engine = Engine(*HEADING)
    await post(engine, body_of(CHAT, max_tokens=9, temperature=0.7, seed=4, cache_salt="s"))
    (first_path, first), (second_path, second) = engine.asked
    assert (first_path, second_path) == (CHAT, COMPLETIONS)
    assert first["vllm_xargs"] == {**ARGUMENTS, "lethe_rewind": GIVE_UP}
    assert second["vllm_xargs"] == {**ARGUMENTS, "lethe_rewind": GIVE_UP, "lethe_avoided": "11"}
    assert (second["prompt"], second["max_tokens"]) == ([*PROMPT, 10], 8)
    assert "messages" not in second
    for body in (first, second):
        assert (body["stream"], body["stop_token_ids"], body["return_token_ids"]) == (True, [GIVE_UP], True)
        assert (body["temperature"], body["seed"], body["cache_salt"]) == (0.7, 4, "s")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("route", "limits", "left"),
    [
        (CHAT, {}, 64 - len(PROMPT) - 1),
        (CHAT, {"max_tokens": None}, 64 - len(PROMPT) - 1),
        (CHAT, {"max_completion_tokens": 20, "max_tokens": 90}, 19),
        (COMPLETIONS, {}, 15),
        (COMPLETIONS, {"max_tokens": 9}, 8),
    ],
)
async def test_what_is_left_of_the_limit(route: str, limits: dict[str, Any], left: int) -> None:
    engine = Engine(*HEADING)
    await post(engine, body_of(route, **limits), route)
    assert engine.asked[1][1]["max_tokens"] == left


@pytest.mark.anyio
async def test_where_nothing_can_be_taken_back_the_mask_decides_and_the_answer_goes_on() -> None:
    engine = Engine((10, GIVE_UP), (14, END))
    answer = (await post(engine, body_of(CHAT))).json()
    assert answer["choices"][0]["message"]["content"] == "By nobody"
    assert engine.asked[1][1]["prompt"] == [*PROMPT, 10]
    assert "lethe_avoided" not in engine.asked[1][1]["vllm_xargs"]


@pytest.mark.anyio
async def test_an_answer_that_was_given_up_too_often_is_not_asked_to_be_again() -> None:
    often = MAX_BACKTRACKS + 1
    engine = Engine((10, GIVE_UP), *[(14, GIVE_UP)] * (often - 1), (14, END))
    answer = (await post(engine, body_of(COMPLETIONS, max_tokens=99), COMPLETIONS)).json()
    assert answer["choices"][0]["text"] == "By" + " nobody" * often
    *before, last = [body for _, body in engine.asked]
    assert len(before) == often
    assert all(body["stop_token_ids"] == [GIVE_UP] for body in before)
    assert "stop_token_ids" not in last
    assert last["vllm_xargs"] == ARGUMENTS


@pytest.mark.anyio
async def test_an_answer_that_is_cut_off_says_so() -> None:
    cut = (await post(Engine((10, 11), finish="length"), body_of(CHAT, max_tokens=2))).json()
    assert (cut["choices"][0]["message"]["content"], cut["choices"][0]["finish_reason"]) == ("By Or", "length")


ERROR = {"error": {"message": "no", "code": 400}}


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_engine_refuses_is_refused(stream: bool) -> None:
    response = await post(Engine(fails=(400, ERROR)), body_of(CHAT, stream=stream))
    assert (response.status_code, response.json()) == (400, ERROR)


@pytest.mark.anyio
async def test_text_in_the_first_chunk_of_a_chat_is_said_once() -> None:
    engine = Engine(*HEADING)
    engine.first_has_text = True
    chunks = events(await post(engine, body_of(CHAT, stream=True)))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content") or "" for delta in deltas) == SAID
    assert deltas[0]["role"] == "assistant"


@pytest.mark.anyio
@pytest.mark.parametrize("fails", [(500, ERROR), (200, ERROR)])
async def test_an_engine_that_fails_in_the_middle_is_no_answer(fails: tuple[int, Any]) -> None:
    parts = HEADING[:1] if fails[0] == 500 else HEADING
    whole = await post(Engine(*parts, fails=fails), body_of(CHAT))
    # Of an error in a stream, the engine's own code is the status that a whole answer would have had.
    assert (whole.status_code, whole.json()) == (500 if fails[0] == 500 else ERROR["error"]["code"], ERROR)
    streamed = events(await post(Engine(*parts, fails=fails), body_of(CHAT, stream=True)))
    assert streamed[-1] == ERROR


def planned_request(**members: Any) -> PlannedRequest:
    match = Match("ft_1", 0.9, Signals(1.0, 0.9), members.pop("mode", Mode.ENFORCE))
    plan = {"kind": PlanKind.RESTRICT, "automata": (VENN.digest,), "matches": (match,), "version": 3, **members}
    return PlannedRequest(Plan(**plan), (VENN,))


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
def test_a_plain_answer_under_a_target_may_be_begun_anew(route: str) -> None:
    plain = {"temperature": 0.2, "top_p": 0.9, "stop": None, "n": 1, "presence_penalty": 0, "logprobs": False}
    assert should_backtrack(GenerationRequest(route, body_of(route, **plain)), planned_request(), [""])


@pytest.mark.parametrize(
    "members",
    [
        {"n": 2},
        {"logprobs": True},
        {"stop": ["x"]},
        {"tools": [{"type": "function"}]},
        {"response_format": {"type": "json_object"}},
        {"frequency_penalty": 0.5},
        {"min_tokens": 3},
        {"echo": True},
        {"stream": True, "stream_options": {"continuous_usage_stats": True}},
        {"unheard_of": 1},
    ],
    ids=lambda members: next(iter(members)),
)
def test_an_answer_with_any_other_wish_is_masked_alone(members: dict[str, Any]) -> None:
    assert not should_backtrack(GenerationRequest(CHAT, body_of(CHAT, **members)), planned_request(), [""])


@pytest.mark.parametrize(
    "members",
    [
        {"kind": PlanKind.SUBTRACT},
        {"kind": PlanKind.DECLINE},
        {"decoder": Decoder.BEAM},
        {"matches": ()},
        {"mode": Mode.SHADOW},
    ],
)
def test_under_any_other_plan_an_answer_is_not_begun_anew(members: dict[str, Any]) -> None:
    assert not should_backtrack(GenerationRequest(CHAT, body_of(CHAT)), planned_request(**members), [""])


def test_several_prompts_are_masked_alone() -> None:
    assert not should_backtrack(
        GenerationRequest(COMPLETIONS, body_of(COMPLETIONS)), planned_request(), ["a", "b"]
    )
