"""An engine for tests: completions by the V2 replaying runner, with the V2 restriction processor in it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import torch
from vllm import SamplingParams

from guard.vllm_v2.restriction import RestrictionProcessor
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from tests.guard.toy_tokenizers import byte_level
from tests.guard.vllm_v2.replay import Request, Runner
from tests.guard.vllm_v2.schedules import WIDTH, tempted_by

TOKENIZER = byte_level()
SCRIPT = TOKENIZER.encode("Basil merton met silica", add_special_tokens=False)
MAX_REQUESTS = 8


class ReplayedEngine:
    """Answers /v1/completions, all requests together; drafts are what the model would say unmasked."""

    def __init__(self, config: SimpleNamespace, processor: type[RestrictionProcessor]) -> None:
        self.runner = Runner(lambda *given: [processor(*given)], config, WIDTH, max_requests=MAX_REQUESTS)
        self.waiting: list[Request] = []
        self.done: dict[str, asyncio.Event] = {}
        self.lengths: dict[str, int] = {}
        self.ids = itertools.count()
        self.preempting = False
        self.preempted = 0
        self.running: asyncio.Task[None] | None = None

    async def preempt(self) -> None:
        self.preempting = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/models":
            return await respond(send, 200, {"data": [{"id": "m"}]})
        body = orjson.loads(await read_body(receive, 10**6))
        params = SamplingParams(temperature=0.0, extra_args=body.get("vllm_xargs"))
        try:
            RestrictionProcessor.validate_params(params)
        except ValueError:
            return await respond(send, 400, {"error": {}})
        asked = [self._request(body, number) for number in range(body.get("n", 1))]
        self.waiting += asked
        if self.running is None or self.running.done():
            self.running = asyncio.create_task(self._run())
        for one in asked:
            await self.done[one.id].wait()
        await respond(send, 200, {"choices": [_choice(one, body) for one in asked]})

    def _request(self, body: dict[str, Any], number: int) -> Request:
        prompt = TOKENIZER.encode(body["prompt"], add_special_tokens=False)
        wish = tempted_by(SCRIPT, len(prompt), len(prompt))
        heat, bias = body["temperature"], torch.zeros(WIDTH)
        for token, value in body.get("logit_bias", {}).items():
            bias[int(token)] = value

        def model(tokens: Sequence[int]) -> torch.Tensor:
            logits = wish(tokens) + bias
            if heat:
                # The most likely token under this noise is a sample.
                rng = np.random.default_rng([body.get("seed", 0), number, len(tokens)])
                logits = logits / heat + torch.from_numpy(rng.gumbel(size=WIDTH).astype(np.float32))
            return logits

        one = Request(f"r{next(self.ids):03}", prompt, _params(body), model)
        self.done[one.id], self.lengths[one.id] = asyncio.Event(), body["max_tokens"]
        return one

    async def _run(self) -> None:
        while self.waiting or self.runner.requests:
            running = list(self.runner.requests.values())
            ended = [one for one in running if len(one.output) >= self.lengths[one.id]]
            for one in ended:
                self.done[one.id].set()
            gone = running if self.preempting else ended
            if self.preempting:
                # As vLLM has it: they come back first, and in slots that others had.
                back = [one for one in reversed(running) if one not in ended]
                self.preempted += len(back)
                self.waiting, self.preempting = back + self.waiting, False
            free = MAX_REQUESTS - len(running) + len(gone)
            added, self.waiting = self.waiting[:free], self.waiting[free:]
            drafts = {one.id: self._drafted(one) for one in running if one.output and one not in gone}
            self.runner.step(added, [one.id for one in gone], drafts=drafts)
            await asyncio.sleep(0)

    def _drafted(self, one: Request) -> list[int]:
        drafts: list[int] = []
        while len(drafts) < self.runner.drafts:
            drafts.append(int(one.model(one.tokens + drafts).argmax()))
        return drafts


def _params(body: dict[str, Any]) -> SamplingParams:
    return SamplingParams(temperature=0.0, extra_args=body.get("vllm_xargs"))


def _choice(one: Request, body: dict[str, Any]) -> dict[str, Any]:
    output = one.output[: body["max_tokens"]]
    pieces = [TOKENIZER.decode([token], skip_special_tokens=True) for token in output]
    choice: dict[str, Any] = {"text": TOKENIZER.decode(output, skip_special_tokens=True)}
    if body.get("return_token_ids"):
        choice["token_ids"] = output
    if "logprobs" in body:
        tops = [row.topk(max(1, body["logprobs"])) for row in one.rows[: len(output)]]
        named = [
            {TOKENIZER.decode([token]): value for value, token in zip(*_lists(top), strict=True)} for top in tops
        ]
        shown = [{text: value for text, value in top.items() if value > float("-inf")} for top in named]
        choice["logprobs"] = {"tokens": pieces, "top_logprobs": shown}
    return choice


def _lists(top: tuple[torch.Tensor, torch.Tensor]) -> tuple[list[float], list[int]]:
    return top[0].tolist(), top[1].tolist()
