"""The self-test against engines that restrict, and against every way of not restricting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from guard.errors import EngineUnavailable
from guard.matching.automaton import Automaton
from serving.engine.self_test import Leak, self_test
from serving.http.asgi import Receive, Scope, Send, read_body, respond


class Vllm:
    """Completes every prompt with `words`, less what the request's automata forbid; `leaks_when` lifts that."""

    def __init__(self, folder: Path, leaks_when: str = "", words: tuple[str, ...] = ("Lantern ", "tide ")) -> None:
        self.folder = folder
        self.leaks_when = leaks_when
        self.words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/models":
            return await respond(send, 200, {"data": [{"id": "m"}]})
        body = orjson.loads(await read_body(receive, 10**6))
        xargs = body.get("vllm_xargs")
        if xargs is None and self.leaks_when != "no policy":
            return await respond(send, 400, {"error": {}})
        digest = (xargs or {}).get("lethe_automata")
        said = list(self.words)
        if digest and not self.lifted(body):
            automaton = Automaton.attach(self.folder, digest)
            said = [word for word in said if not automaton.matches(word)]
        tops = [{word: -0.1} for word in (self.words if self.leaks_when == "raw logprobs" else said)]
        logprobs = {"top_logprobs": tops} if "logprobs" in body else None
        choice = {"text": "".join(said), "logprobs": logprobs}
        await respond(send, 200, {"choices": [choice] * body.get("n", 1)})

    def lifted(self, body: dict[str, Any]) -> bool:
        ways = {"greedy": body["temperature"] == 0, "sampling": "seed" in body, "several": body.get("n") == 2}
        return ways.get(self.leaks_when, False)


@pytest.mark.anyio
async def test_an_engine_that_restricts_passes(tmp_path: Path) -> None:
    await self_test(Vllm(tmp_path), tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["no policy", "greedy", "sampling", "several", "raw logprobs"])
async def test_an_engine_that_leaks_in_any_way_fails(tmp_path: Path, way: str) -> None:
    with pytest.raises(Leak):
        await self_test(Vllm(tmp_path, leaks_when=way), tmp_path)


@pytest.mark.anyio
async def test_a_model_that_says_nothing_cannot_be_proven(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="says nothing"):
        await self_test(Vllm(tmp_path, words=(" ", "...")), tmp_path)


@pytest.mark.anyio
@pytest.mark.parametrize("payload", [{}, {"data": []}, [], "text"])
async def test_what_lists_no_model_is_not_a_vllm(tmp_path: Path, payload: Any) -> None:
    async def other(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, payload)

    with pytest.raises(EngineUnavailable, match="not a vLLM"):
        await self_test(other, tmp_path)
