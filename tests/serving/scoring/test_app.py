from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from types import SimpleNamespace as Thing
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from guard.decoding.request_args import ASSISTANT, Subtraction
from guard.errors import BadSettings, EngineUnavailable
from guard.policy.plan import Plan, PlanKind
from guard.targets.policy_set import PolicySet
from guard.text.conversation import Message
from serving.launch import listeners
from serving.planner import PlannedRequest
from serving.scoring.app import ROUTE, create_scoring, scorer_of
from serving.scoring.teacher_forcing import AnswerScorer
from serving.settings import load

DIGEST = "d" * 64
END, FORBIDDEN, CONTEXT = 9, 5, 12


class Tokenizer:
    """One token a word, its id the word's length."""

    chat_template = "a template"
    bos_token_id, eos_token_id = 0, END

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        return {"input_ids": [len(word) for word in text.split()]}

    def apply_chat_template(self, messages: list[dict[str, str]], **_: object) -> list[int]:
        return [0, *(token for turn in messages for token in self(turn["content"])["input_ids"]), 0]


class Engine:
    """Gives token n the probability exp(-n); with automata in its arguments it forbids token 5."""

    model_config = Thing(max_model_len=CONTEXT)

    def __init__(self) -> None:
        self.asked: list[tuple[list[int], dict[str, Any]]] = []

    def get_tokenizer(self) -> Tokenizer:
        return Tokenizer()

    async def generate(self, prompt: dict[str, list[int]], params: Any, request_id: str) -> Any:
        ids = prompt["prompt_token_ids"]
        assert len(ids) < CONTEXT
        self.asked.append((ids, params.extra_args))
        masked = bool(params.extra_args["lethe_automata"])

        def entry(token: int) -> dict[int, Any]:
            value = -math.inf if masked and token == FORBIDDEN else -float(token)
            return {token: Thing(logprob=value), 1: Thing(logprob=-1.0)}

        listed = [None, *map(entry, ids[1:])] if params.prompt_logprobs is not None else None
        wanted = (params.logprob_token_ids or [1])[0]
        await asyncio.sleep(0)
        yield Thing(prompt_logprobs=listed, outputs=[Thing(token_ids=[1], logprobs=[entry(wanted)])])


class FakePlanner:
    def __init__(self, kind: PlanKind, subtraction: Subtraction | None = None) -> None:
        digests = () if kind is PlanKind.PASS else (DIGEST,)
        self._plan = Plan(kind, digests, (), 7, subtraction)
        self.read: Sequence[Message] = ()

    def under(self, tags: PolicySet) -> FakePlanner:
        self.tags = tags
        return self

    async def plan(self, conversation: Sequence[Message]) -> PlannedRequest:
        self.read = conversation
        return PlannedRequest(self._plan, ())


def client(planner: FakePlanner, engine: Engine | None, unready: str = "") -> httpx.AsyncClient:
    app = create_scoring(planner, lambda: scorer_of(engine, unready), SecretStr("key"), 10_000)
    headers = {"authorization": "Bearer key"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lethe", headers=headers)


async def score(planner: FakePlanner, engine: Engine | None = None, **body: Any) -> httpx.Response:
    async with client(planner, engine or Engine()) as http:
        return await http.post(ROUTE, json=body)


CHAT = {"messages": [{"role": "user", "content": "who is it"}], "answer": "she sails daily"}


@pytest.mark.anyio
async def test_an_unrestricted_answer_is_one_request_and_one_for_its_last_token() -> None:
    engine = Engine()
    answer = await score(FakePlanner(PlanKind.PASS), engine, **CHAT)
    assert answer.json() == {
        "plan": "pass",
        "policy_version": 7,
        "tokens": [3, 5, 5, END],
        "log_probs": [-3.0, -5.0, -5.0, -9.0],
        "predicted": [1, 1, 1, 1],
    }
    assert len(engine.asked) == 2


@pytest.mark.anyio
async def test_under_automata_every_position_is_a_request_under_the_policy() -> None:
    engine = Engine()
    answer = await score(FakePlanner(PlanKind.RESTRICT), engine, **CHAT)
    assert answer.json()["log_probs"] == [-3.0, None, None, -9.0]
    start = [0, 3, 2, 2, 0]
    assert [ids for ids, _ in engine.asked] == [start, [*start, 3], [*start, 3, 5], [*start, 3, 5, 5]]
    assert all(asked == {"lethe_policy": "7", "lethe_automata": DIGEST} for _, asked in engine.asked)


@pytest.mark.anyio
async def test_an_assistant_is_named_to_the_engine() -> None:
    engine = Engine()
    await score(FakePlanner(PlanKind.SUBTRACT, Subtraction("a" * 64, None, None)), engine, **CHAT)
    assert all(asked[ASSISTANT] == "a" * 64 for _, asked in engine.asked)


@pytest.mark.anyio
async def test_a_plain_text_is_continued_and_need_not_end() -> None:
    planner = FakePlanner(PlanKind.PASS)
    answer = await score(planner, prompt="it is", answer="an owl", end=False)
    assert answer.json()["tokens"] == [2, 3]
    assert planner.read == [Message("user", "it is")]


@pytest.mark.anyio
async def test_where_nothing_is_continued_the_detector_reads_what_is_scored() -> None:
    planner, engine = FakePlanner(PlanKind.RESTRICT), Engine()
    await score(planner, engine, prompt="", answer="an owl", end=False)
    assert planner.read == [Message("user", "an owl")]
    assert engine.asked[0][0] == [0]


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [PlanKind.PASS, PlanKind.RESTRICT])
async def test_an_answer_is_cut_at_the_context(kind: PlanKind) -> None:
    answer = await score(FakePlanner(kind), prompt="a b", answer="a " * 20)
    assert len(answer.json()["tokens"]) == CONTEXT - 2
    assert len(answer.json()["log_probs"]) == CONTEXT - 2


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [PlanKind.DECLINE, PlanKind.AGENTS])
async def test_what_is_no_distribution_is_not_scored(kind: PlanKind) -> None:
    engine = Engine()
    answer = await score(FakePlanner(kind), engine, **CHAT)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_likelihood")
    assert engine.asked == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body",
    [
        {"answer": "x"},
        {**CHAT, "prompt": "both"},
        {**CHAT, "answer": ""},
        {"messages": [], "answer": "x"},
        {**CHAT, "temperature": 2},
    ],
)
async def test_a_body_that_is_not_one_question_and_one_answer_is_refused(body: dict[str, Any]) -> None:
    answer = await score(FakePlanner(PlanKind.PASS), **body)
    assert answer.status_code == 422
    assert "she sails" not in answer.text


@pytest.mark.anyio
async def test_without_the_admin_key_nothing_is_scored() -> None:
    async with client(FakePlanner(PlanKind.PASS), Engine()) as http:
        answer = await http.post(ROUTE, json=CHAT, headers={"authorization": "Bearer other"})
    assert answer.status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize(("engine", "unready"), [(None, ""), (Engine(), "the policy is being compiled")])
async def test_a_server_that_is_not_ready_says_so(engine: Engine | None, unready: str) -> None:
    async with client(FakePlanner(PlanKind.PASS), engine, unready) as http:
        answer = await http.post(ROUTE, json=CHAT)
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_unavailable")


@pytest.mark.anyio
async def test_an_engine_that_refuses_is_an_error_without_its_words() -> None:
    class Refusing(Engine):
        async def generate(self, prompt: Any, params: Any, request_id: str) -> Any:
            raise ValueError("she sails daily")
            yield

    with pytest.raises(EngineUnavailable) as refused:
        await AnswerScorer(Refusing()).score([1], [2], {}, unrestricted=False)
    assert "sails" not in refused.value.message


def test_the_plane_is_there_only_if_asked_for_and_then_on_loopback() -> None:
    def planes(**more: Any) -> dict[str, str]:
        bound = listeners(load(host="0.0.0.0", port=0, admin_port=0, **more))
        addresses = {name: listener.getsockname()[0] for name, listener in bound.items()}
        for listener in bound.values():
            listener.close()
        return addresses

    assert planes() == {"data plane": "0.0.0.0", "admin plane": "127.0.0.1"}
    assert planes(eval_port=0) == {**planes(), "scoring plane": "127.0.0.1"}


def test_a_remote_engine_cannot_score() -> None:
    with pytest.raises(BadSettings, match="eval_port"):
        listeners(load(engine="http://127.0.0.1:1", eval_port=0))
