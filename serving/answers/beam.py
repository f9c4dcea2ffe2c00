"""GUARD's beam search over a served engine: its own loop over one-token completions, under the policy.

vLLM's own beam search drops the policy from its sub-requests. Here every beam is a prompt of token ids with the
request's sealed arguments, all beams of a step are one call, and what the engine has read of them before is in its
prefix cache. What comes back are the log-probabilities of the restricted distribution.
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
from serving.planner import CONSTRAINTS, PlannedRequest, engine_body
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest

# Tokens of an answer whose request sets no limit: a search costs WIDTH times what it answers.
MOST = 256
# What an engine writes for minus infinity, which JSON does not have.
_LOWEST = -9999.0
# Members of a body that ask for what a search has not, or shape tokens as they are sampled.
SAMPLED = CONSTRAINTS | {
    *("logit_bias", "bad_words", "min_tokens", "ignore_eos", "stop_token_ids"),
    *(
        "documents",
        "reasoning_effort",
        "echo",
        "suffix",
        "include_stop_str_in_output",
        "continue_final_message",
        "truncate_prompt_tokens",
    ),
}
LIMITS = ("max_completion_tokens", "max_tokens")
_RENDERED = ("model", "messages", "add_generation_prompt", "add_special_tokens")


def searches(request: GenerationRequest, planned: PlannedRequest) -> bool:
    """Whether this answer is searched for; what only sampling can do is sampled, under the same restriction."""
    if planned.plan.decoder is not Decoder.BEAM or request.choices_per_prompt > BEAM_WIDTH:
        return False
    return not request.logprobs and not any(request.body.get(name) for name in SAMPLED)


def searching(engine: App, request: GenerationRequest, request_id: str, plan: Plan) -> App:
    """An application that answers `request` with what a search finds; nothing leaves before it has ended."""
    search = BeamSearch(engine, request.route, orjson.loads(engine_body(request, plan)))
    return Application(request, request_id, search.outcome)


class _Refused(Exception):
    """The engine refused a call."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class BeamSearch:
    """The answers to one request, by beam search; `body` is what the engine gets, plan included.

    The engine is asked for one token first, under the client's own parameters, so that it refuses what it would
    refuse anyway.
    """

    def __init__(self, engine: App, route: str, body: Mapping[str, Any]) -> None:
        self._engine = engine
        self._route = route
        self._body = body
        self._model = {"model": body["model"]} if "model" in body else {}

    async def outcome(self) -> Outcome:
        """Return every choice in order, or the engine's refusal."""
        try:
            trial = await self._call(self._route, self._trial())
            longest = int((await self._call("/v1/models"))["data"][0]["max_model_len"])
            ends = await self._ends()
            spoken: list[Choice] = []
            for prompt in await self._prompts():
                spoken += await self._spoken(prompt, longest, ends, trial)
        except _Refused as refused:
            return Outcome((), refused.response)
        return Outcome(spoken)

    def _trial(self) -> dict[str, Any]:
        body = {key: value for key, value in self._body.items() if key != "stream_options"}
        given = [name for name in LIMITS if body.get(name) is not None]
        # A limit that is none stays, for the engine to refuse.
        one = {name: 1 for name in given if type(body[name]) is int and body[name] > 0}
        return body | {"stream": False} | (one if given else {"max_tokens": 1})

    async def _prompts(self) -> list[list[int]]:
        if self._route == CHAT:
            asked = {name: self._body[name] for name in _RENDERED if name in self._body}
            return [(await self._call("/tokenize", asked))["tokens"]]
        given = self._body["prompt"]
        many = isinstance(given, list) and not (given and isinstance(given[0], int))
        special = {"add_special_tokens": self._body.get("add_special_tokens", True)}
        return [
            (await self._call("/tokenize", {**self._model, "prompt": one, **special}))["tokens"]
            if isinstance(one, str)
            else one
            for one in (given if many else [given])
        ]

    async def _ends(self) -> frozenset[int]:
        """The ids that end an answer: all that a closed row may say."""
        arguments = {**self._body["vllm_xargs"], AUTOMATA: CLOSED}
        (following,) = await self._following([[0]], arguments)
        return frozenset(following.tokens)

    async def _spoken(
        self, prompt: list[int], longest: int, ends: frozenset[int], trial: dict[str, Any]
    ) -> list[Choice]:
        asked = next((self._body[name] for name in LIMITS if self._body.get(name) is not None), MOST)
        wanted = self._body.get("n") or 1
        answers = await self._search(prompt, ends, min(asked, longest - len(prompt)), wanted)
        spoken = []
        for place in range(wanted):
            # Nothing may be said where everything is forbidden; the output guard declines for it.
            answer = answers[place] if place < len(answers) else BeamAnswer((), -inf, ended=True)
            text, finish = self._stopped(await self._text(prompt, answer.tokens), answer.ended)
            usage = Usage(len(prompt) if place == 0 else 0, len(answer.tokens) + answer.ended)
            spoken.append(Choice(make_choice(self._route, text, finish), usage, trial))
        return spoken

    async def _search(
        self, prompt: list[int], ends: frozenset[int], most: int, wanted: int
    ) -> tuple[BeamAnswer, ...]:
        looking = search(ends, most, count=wanted)
        beams = [prompt]
        try:
            extension = next(looking)
            while True:
                beams = _extended(beams, extension)
                extension = looking.send(await self._following(beams, self._body["vllm_xargs"]))
        except StopIteration as stop:
            answers: tuple[BeamAnswer, ...] = stop.value
            return answers

    async def _following(self, beams: Sequence[list[int]], arguments: Mapping[str, object]) -> list[NextTokens]:
        asked = {
            **self._model,
            "prompt": beams,
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": candidates_per_beam(BEAM_WIDTH),
            "return_tokens_as_token_ids": True,
            "vllm_xargs": arguments,
        }
        response = await self._call(COMPLETIONS, asked)
        choices = sorted(response["choices"], key=lambda choice: int(choice["index"]))
        return [_following_of(choice["logprobs"]["top_logprobs"][0]) for choice in choices]

    async def _text(self, prompt: list[int], tokens: Sequence[int]) -> str:
        if not tokens:
            return ""
        before, whole = [
            str((await self._call("/detokenize", {**self._model, "tokens": ids}))["prompt"])
            for ids in (prompt, [*prompt, *tokens])
        ]
        return whole.removeprefix(before)

    def _stopped(self, text: str, ended: bool) -> tuple[str, str]:
        given = self._body.get("stop") or []
        stops = [given] if isinstance(given, str) else given
        places = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
        return (text[: min(places)], "stop") if places else (text, "stop" if ended else "length")

    async def _call(self, path: str, body: object = None) -> Any:
        response = await asgi_client.request(self._engine, "GET" if body is None else "POST", path, body)
        if response.status != 200:
            raise _Refused(response)
        return response.json()


def _extended(beams: Sequence[list[int]], extension: Extension) -> list[list[int]]:
    if not extension.tokens:
        return list(beams)
    pairs = zip(extension.parents, extension.tokens, strict=True)
    return [[*beams[parent], token] for parent, token in pairs]


def _following_of(listed: Mapping[str, float]) -> NextTokens:
    known = [(int(name.removeprefix("token_id:")), value) for name, value in listed.items() if value > _LOWEST]
    known.sort(key=lambda item: -item[1])
    return NextTokens([token for token, _ in known], [value for _, value in known])
