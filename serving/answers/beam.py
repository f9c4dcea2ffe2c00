"""GUARD's beam search on a served engine: a loop over one-token completions under the policy.

vLLM's own beam search drops the policy from its sub-requests. Here every beam is a prompt of token ids with the
request's engine arguments, and all beams of a step are one call; their common tokens are in the engine's prefix
cache. The log-probabilities are those of the restricted distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import orjson

from agents.chat import Usage
from guard.decoding.beam import BEAM_WIDTH, BeamAnswer, Extension, NextTokens, candidates_per_beam, search
from guard.decoding.request_args import AUTOMATA, CLOSED
from guard.policy.plan import Plan
from guard.targets.target import Decoder
from serving.answers.application import Application, Outcome
from serving.answers.choices import Choice, make_choice
from serving.http import asgi_client
from serving.http.asgi import App
from serving.http.asgi_client import Response
from serving.planner import PlannedRequest
from serving.protocol.engine_body import CONSTRAINTS, engine_body
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest

# For a request without a limit: a search generates BEAM_WIDTH times the tokens of its answer.
DEFAULT_MAX_TOKENS = 256
# Engines write this for minus infinity, which JSON lacks.
_MINUS_INFINITY = -9999.0
# Members of a body that only sampling supports.
SAMPLING_ONLY = CONSTRAINTS | {
    *("logit_bias", "bad_words", "min_tokens", "ignore_eos", "stop_token_ids"),
    *(
        "documents",
        "chat_template_kwargs",
        "reasoning_effort",
        "echo",
        "suffix",
        "include_stop_str_in_output",
        "continue_final_message",
        "truncate_prompt_tokens",
    ),
}
LIMITS = ("max_completion_tokens", "max_tokens")
# Members of a chat body that its prompt is made from.
_PROMPT_MEMBERS = ("model", "messages", "add_generation_prompt", "add_special_tokens")


def should_beam_search(request: GenerationRequest, planned: PlannedRequest) -> bool:
    """Return whether to answer by beam search. A request with an option that only sampling supports is sampled."""
    if planned.plan.decoder is not Decoder.BEAM or request.choices_per_prompt > BEAM_WIDTH:
        return False
    return not request.logprobs and not any(request.body.get(name) for name in SAMPLING_ONLY)


def beam_search_application(engine: App, request: GenerationRequest, request_id: str, plan: Plan) -> App:
    """Return an application that answers `request` by beam search; it sends nothing before the search ends."""
    search = BeamSearch(engine, request.route, orjson.loads(engine_body(request, plan)))
    return Application(request, request_id, search.outcome)


class _Refused(Exception):
    """The engine refused a call."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class BeamSearch:
    """Beam search for one request; `body` is the body for the engine, with the plan.

    A trial call for one token with the client's own parameters comes first, so that the engine refuses a request
    that it would refuse anyway.
    """

    def __init__(self, engine: App, route: str, body: Mapping[str, Any]) -> None:
        self._engine = engine
        self._route = route
        self._body = body
        self._model = {"model": body["model"]} if "model" in body else {}

    async def outcome(self) -> Outcome:
        """Return all choices in order, or the engine's refusal."""
        try:
            trial = await self._call(self._route, self._trial())
            max_model_len = int((await self._call("/v1/models"))["data"][0]["max_model_len"])
            end_tokens = await self._end_tokens()
            choices: list[Choice] = []
            for prompt in await self._prompts():
                choices += await self._choices(prompt, max_model_len, end_tokens, trial)
        except _Refused as refused:
            return Outcome((), refused.response)
        return Outcome(choices)

    def _trial(self) -> dict[str, Any]:
        body = {key: value for key, value in self._body.items() if key != "stream_options"}
        given = [name for name in LIMITS if body.get(name) is not None]
        # An invalid limit stays, for the engine to refuse.
        one = {name: 1 for name in given if type(body[name]) is int and body[name] > 0}
        return body | {"stream": False} | (one if given else {"max_tokens": 1})

    async def _prompts(self) -> list[list[int]]:
        if self._route == CHAT:
            body = {name: self._body[name] for name in _PROMPT_MEMBERS if name in self._body}
            return [(await self._call("/tokenize", body))["tokens"]]
        given = self._body["prompt"]
        many = isinstance(given, list) and not (given and isinstance(given[0], int))
        special = {"add_special_tokens": self._body.get("add_special_tokens", True)}
        return [
            (await self._call("/tokenize", {**self._model, "prompt": one, **special}))["tokens"]
            if isinstance(one, str)
            else one
            for one in (given if many else [given])
        ]

    async def _end_tokens(self) -> frozenset[int]:
        """Return the end-of-sequence ids: the only ones that a closed row may emit."""
        arguments = {**self._body["vllm_xargs"], AUTOMATA: CLOSED}
        (next_tokens,) = await self._next_tokens([[0]], arguments)
        return frozenset(next_tokens.tokens)

    async def _choices(
        self, prompt: list[int], max_model_len: int, end_tokens: frozenset[int], trial: dict[str, Any]
    ) -> list[Choice]:
        limit = next((self._body[name] for name in LIMITS if self._body.get(name) is not None), DEFAULT_MAX_TOKENS)
        count = self._body.get("n") or 1
        answers = await self._search(prompt, end_tokens, min(limit, max_model_len - len(prompt)), count)
        choices = []
        for index in range(count):
            # Empty where every token is forbidden; the output guard then puts the decline text.
            answer = answers[index] if index < len(answers) else BeamAnswer((), -inf, ended=True)
            text, finish_reason = self._truncate(await self._text(prompt, answer.tokens), answer.ended)
            usage = Usage(len(prompt) if index == 0 else 0, len(answer.tokens) + answer.ended)
            choices.append(Choice(make_choice(self._route, text, finish_reason), usage, trial))
        return choices

    async def _search(
        self, prompt: list[int], end_tokens: frozenset[int], max_tokens: int, count: int
    ) -> tuple[BeamAnswer, ...]:
        searching = search(end_tokens, max_tokens, count=count)
        beams = [prompt]
        try:
            extension = next(searching)
            while True:
                beams = _extend(beams, extension)
                extension = searching.send(await self._next_tokens(beams, self._body["vllm_xargs"]))
        except StopIteration as stop:
            answers: tuple[BeamAnswer, ...] = stop.value
            return answers

    async def _next_tokens(self, beams: Sequence[list[int]], arguments: Mapping[str, object]) -> list[NextTokens]:
        body = {
            **self._model,
            "prompt": beams,
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": candidates_per_beam(BEAM_WIDTH),
            "return_tokens_as_token_ids": True,
            "vllm_xargs": arguments,
        }
        response = await self._call(COMPLETIONS, body)
        choices = sorted(response["choices"], key=lambda choice: int(choice["index"]))
        return [_parse_next_tokens(choice["logprobs"]["top_logprobs"][0]) for choice in choices]

    async def _text(self, prompt: list[int], tokens: Sequence[int]) -> str:
        if not tokens:
            return ""
        before, after = [
            str((await self._call("/detokenize", {**self._model, "tokens": ids}))["prompt"])
            for ids in (prompt, [*prompt, *tokens])
        ]
        return after.removeprefix(before)

    def _truncate(self, text: str, ended: bool) -> tuple[str, str]:
        """Return `text` up to the first stop string, and its finish reason."""
        stop = self._body.get("stop") or []
        stops = [stop] if isinstance(stop, str) else stop
        positions = [position for each in stops if each and (position := text.find(each)) >= 0]
        return (text[: min(positions)], "stop") if positions else (text, "stop" if ended else "length")

    async def _call(self, path: str, body: object = None) -> Any:
        response = await asgi_client.request(self._engine, "GET" if body is None else "POST", path, body)
        if response.status != 200:
            raise _Refused(response)
        return response.json()


def _extend(beams: Sequence[list[int]], extension: Extension) -> list[list[int]]:
    if not extension.tokens:
        return list(beams)
    pairs = zip(extension.parents, extension.tokens, strict=True)
    return [[*beams[parent], token] for parent, token in pairs]


def _parse_next_tokens(listed: Mapping[str, float]) -> NextTokens:
    known = [
        (int(name.removeprefix("token_id:")), value) for name, value in listed.items() if value > _MINUS_INFINITY
    ]
    known.sort(key=lambda item: -item[1])
    return NextTokens([token for token, _ in known], [value for _, value in known])
