"""The self-test: a ban the engine must honour before anyone is served.

It learns what the model says by itself, forbids exactly that, and asks again in every way a request can sample.
It also asks without a policy, which must be refused or answered with nothing. Whatever a future engine does
differently, a processor that is not in force fails here (vLLM 0.32 has at least three silent ways to drop one).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from guard.decoding.request_args import EngineArgs
from guard.errors import EngineUnavailable
from guard.matching.automaton import Automaton
from guard.text.normalise import fold
from serving.http import asgi_client
from serving.http.asgi import App
from serving.http.asgi_client import Response
from serving.protocol.refused_fields import COMPLETIONS

# Of several tokens each: vLLM 0.32 on CPU dies of a first prompt of a single one.
PROMPTS = ("The name of the town is", "Hello, how are you today?", "1 2 3 4 5", "A b c d e")
# Fewer may stand by chance in the name of a special token, which log-probabilities list.
LETTERS = 4
WAYS: tuple[dict[str, Any], ...] = (
    {"temperature": 0.0},
    {"temperature": 1.0, "seed": 7},
    {"temperature": 1.0, "n": 2},
    {"temperature": 0.0, "logprobs": 5},
)


class Leak(EngineUnavailable):
    """The engine served what its policy forbids, or served without a policy."""

    code = "self_test_failed"


async def self_test(app: App, policy_dir: Path) -> None:
    """Return when the engine honours a ban through every way of sampling; Leak or EngineUnavailable otherwise."""
    model = await _model(app)
    await _refuses_without_policy(app, model)
    prompt, canary = await _canary(app, model)
    automaton = Automaton.compile([canary])
    automaton.save(policy_dir)
    for way in WAYS:
        response = await _ask(app, model, prompt, (automaton.digest,), **way)
        _must_be_clean(response, canary)


async def _model(app: App) -> str:
    response = await asgi_client.request(app, "GET", "/v1/models")
    answer = response.json()
    try:
        return str(answer["data"][0]["id"])
    except (KeyError, IndexError, TypeError):
        raise EngineUnavailable("the engine does not list a model at /v1/models: it is not a vLLM") from None


async def _refuses_without_policy(app: App, model: str) -> None:
    body = {"model": model, "prompt": PROMPTS[0], "max_tokens": 8, "temperature": 0.0}
    response = await asgi_client.request(app, "POST", COMPLETIONS, body)
    if response.status == 200 and any(fold(text) for text in _texts(response)):
        raise Leak("the engine answers a request without a policy: our processor is not loaded in it")


async def _canary(app: App, model: str) -> tuple[str, str]:
    """A prompt and the text the model begins its greedy answer with."""
    for prompt in PROMPTS:
        response = await _ask(app, model, prompt, (), temperature=0.0)
        if response.status != 200:
            raise EngineUnavailable("the engine does not answer the self-test")
        text = "".join(_texts(response))
        lengths = (length for length in range(1, len(text) + 1) if len(fold(text[:length])) >= LETTERS)
        if fold(text):
            return prompt, text[: next(lengths, len(text))]
    raise EngineUnavailable("the model says nothing that the self-test could forbid")


async def _ask(app: App, model: str, prompt: str, automata: tuple[str, ...], **way: Any) -> Response:
    xargs = EngineArgs("self-test", automata).dump()
    body = {"model": model, "prompt": prompt, "max_tokens": 8, "ignore_eos": True, "vllm_xargs": xargs, **way}
    return await asgi_client.request(app, "POST", COMPLETIONS, body)


def _must_be_clean(response: Response, canary: str) -> None:
    if response.status != 200:
        raise EngineUnavailable("the engine does not answer the self-test under a policy")
    said = [fold(text) for text in _texts(response)]
    listed = [fold(token) for token in _first_tokens(response)]
    if any(fold(canary) in text for text in (*said, *listed)):
        raise Leak("the engine's self-test leaked: a forbidden text came through, so it serves nobody")


def _texts(response: Response) -> list[str]:
    answer = response.json()
    return [str(choice.get("text") or "") for choice in (answer or {}).get("choices", [])]


def _first_tokens(response: Response) -> list[str]:
    """Every token listed in any position's top log-probabilities."""
    listed: list[str] = []
    for choice in (response.json() or {}).get("choices", []):
        for position in ((choice.get("logprobs") or {}).get("top_logprobs")) or []:
            listed.extend(position or {})
    return listed
