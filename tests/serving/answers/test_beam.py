"""Beam search over an in-process engine whose next tokens stand in a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from guard.decoding.beam import BEAM_WIDTH, candidates_per_beam
from guard.policy.plan import Plan, PlanKind
from guard.targets.target import Decoder
from serving.answers.beam import DEFAULT_MAX_TOKENS, SAMPLING_ONLY, BeamSearch, should_beam_search
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest

END = 0
PROMPT = [7, 8]
ARGUMENTS = {"lethe_policy": "3", "lethe_automata": "ab"}
WORDS = {1: " one", 2: " two", 3: " three", 4: " four", 7: "Who", 8: " sails?"}
# After the prompt: the likeliest beginning has the less likely rest.
TABLE: Mapping[tuple[int, ...], Mapping[int, float]] = {
    (): {1: 0.6, 2: 0.4},
    (1,): {END: 0.3, 3: 0.35, 4: 0.35},
    (2,): {END: 0.9, 3: 0.1},
    (1, 3): {END: 1.0},
    (1, 4): {END: 1.0},
    (2, 3): {END: 1.0},
}


class Engine:
    """Answers as vLLM does in the routes that a search calls; keeps the bodies by path."""

    def __init__(
        self, table: Mapping[tuple[int, ...], Mapping[int, float]] = TABLE, refuses: bool = False
    ) -> None:
        self.table = table
        self.refuses = refuses
        self.bodies: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/v1/models":
            return await respond(send, 200, {"data": [{"id": "m", "max_model_len": 64}]})
        body = orjson.loads(await read_body(receive, 10**6))
        self.bodies.append((path, body))
        if path == "/tokenize":
            return await respond(send, 200, {"tokens": PROMPT})
        if path == "/detokenize":
            return await respond(send, 200, {"prompt": "".join(WORDS[token] for token in body["tokens"])})
        if "logprobs" in body:
            return await respond(send, 200, {"choices": self._steps(body)})
        if self.refuses:
            return await respond(send, 400, {"error": {"message": "no", "param": "temperature"}})
        return await respond(send, 200, {"model": "m", "created": 5, "choices": []})

    def _steps(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        closed = body["vllm_xargs"]["lethe_automata"] == "closed"
        rows = [{END: 1.0} if closed else self.table[tuple(row[len(PROMPT) :])] for row in body["prompt"]]
        listed = [{f"token_id:{t}": math.log(p) if p else -9999.0 for t, p in row.items()} for row in rows]
        choices = [{"index": i, "logprobs": {"top_logprobs": [row]}} for i, row in enumerate(listed)]
        return choices[::-1]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The bodies of the search's own steps."""
        return [b for _, b in self.bodies if "logprobs" in b and b["vllm_xargs"] == ARGUMENTS]


def chat(**members: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Who sails?"}]
    return {"model": "m", "messages": messages, "vllm_xargs": ARGUMENTS, **members}


async def choices(engine: Engine, body: dict[str, Any], route: str = CHAT) -> list[dict[str, Any]]:
    outcome = await BeamSearch(engine, route, body).outcome()
    assert outcome.refusal is None
    return [choice.body for choice in outcome.choices]


@pytest.mark.anyio
async def test_the_likeliest_answer_is_found_where_greedy_decoding_takes_another() -> None:
    engine = Engine()
    outcome = await BeamSearch(engine, CHAT, chat()).outcome()
    (choice,) = outcome.choices
    assert choice.body["message"] == {"role": "assistant", "content": " two"}
    assert choice.body["finish_reason"] == "stop"
    assert choice.usage == (2, 2), "the prompt's two tokens; the answer's one and its end"


@pytest.mark.anyio
async def test_every_beam_carries_the_engine_arguments_and_a_step_is_one_call() -> None:
    engine = Engine()
    await choices(engine, chat(temperature=1.3, seed=4, stop=["x"]))
    assert [step["prompt"] for step in engine.steps] == [[PROMPT], [[*PROMPT, 1], [*PROMPT, 2]]]
    for step in engine.steps:
        assert step["logprobs"] == candidates_per_beam(BEAM_WIDTH)
        assert step["temperature"] == 0.0
        assert not {"seed", "stop", "messages"} & step.keys()
    assert all(b.get("vllm_xargs", ARGUMENTS).keys() == ARGUMENTS.keys() for _, b in engine.bodies)


@pytest.mark.anyio
async def test_what_the_engine_would_refuse_it_refuses_before_any_search() -> None:
    engine = Engine(refuses=True)
    outcome = await BeamSearch(engine, CHAT, chat(temperature="hot", stream=True, max_tokens=9)).outcome()
    assert outcome.refusal is not None
    assert outcome.refusal.status == 400
    ((_, trial),) = engine.bodies
    assert (trial["temperature"], trial["stream"], trial["max_tokens"]) == ("hot", False, 1)


@pytest.mark.anyio
async def test_masked_tokens_are_never_taken_and_a_dead_end_says_nothing() -> None:
    masked = Engine(TABLE | {(): {1: 0.0, 2: 1.0}})
    assert (await choices(masked, chat()))[0]["message"]["content"] == " two"
    dead = Engine({(): {1: 0.0, 2: 0.0}})
    assert (await choices(dead, chat()))[0]["message"]["content"] == ""


@pytest.mark.anyio
async def test_n_choices_are_the_n_best() -> None:
    said = await choices(Engine(), chat(n=3))
    assert [choice["message"]["content"] for choice in said] == [" two", " one three", " one four"]


@pytest.mark.anyio
async def test_an_answer_ends_at_the_limit_and_at_a_stop_string() -> None:
    endless = Engine({(1,) * length: {1: 1.0} for length in range(DEFAULT_MAX_TOKENS)})
    (cut,) = await choices(endless, chat(max_completion_tokens=3))
    assert (cut["message"]["content"], cut["finish_reason"]) == (" one one one", "length")
    (stopped,) = await choices(endless, chat(max_tokens=3, stop=["ne one o", "zzz"]))
    assert (stopped["message"]["content"], stopped["finish_reason"]) == (" o", "stop")
    (full,) = await choices(endless, chat())
    assert full["message"]["content"] == " one" * (64 - len(PROMPT))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("prompt", "count"), [("Who sails?", 1), (PROMPT, 1), (["a", "b"], 2), ([PROMPT, PROMPT], 2)]
)
async def test_a_completion_has_choices_for_each_prompt(prompt: Any, count: int) -> None:
    body = {"model": "m", "prompt": prompt, "vllm_xargs": ARGUMENTS, "max_tokens": 8}
    said = await choices(Engine(), body, COMPLETIONS)
    assert [choice["text"] for choice in said] == [" two"] * count


def planned_request(decoder: Decoder) -> PlannedRequest:
    return PlannedRequest(Plan(PlanKind.RESTRICT, ("ab",), (), 3, decoder=decoder), ())


def test_only_a_plan_with_the_beam_decoder_is_searched() -> None:
    request = GenerationRequest(CHAT, chat())
    assert should_beam_search(request, planned_request(Decoder.BEAM))
    assert not should_beam_search(request, planned_request(Decoder.SAMPLE))


@pytest.mark.parametrize("name", sorted(SAMPLING_ONLY))
def test_an_option_that_only_sampling_supports_is_sampled(name: str) -> None:
    assert not should_beam_search(GenerationRequest(CHAT, chat(**{name: 1})), planned_request(Decoder.BEAM))
    assert should_beam_search(GenerationRequest(CHAT, chat(**{name: None})), planned_request(Decoder.BEAM))


@pytest.mark.parametrize("members", [{"n": BEAM_WIDTH + 1}, {"logprobs": True}, {"logprobs": 0}])
def test_more_choices_than_beams_and_log_probabilities_are_sampled(members: dict[str, Any]) -> None:
    assert not should_beam_search(GenerationRequest(CHAT, chat(**members)), planned_request(Decoder.BEAM))
