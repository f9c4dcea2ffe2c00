"""The self-test: the engine must enforce a canary policy before any client is served.

The test takes the beginning of the model's own greedy answer, forbids exactly that, and asks again with every way
of sampling. A request without a policy must be refused or answered with nothing. So a processor that is not in
force is noticed, whatever dropped it (vLLM 0.32 has at least three silent ways).
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

# Of several tokens each: vLLM 0.32 on CPU dies on a first prompt of a single token.
PROMPTS = ("The name of the town is", "Hello, how are you today?", "1 2 3 4 5", "A b c d e")
# A shorter canary may occur by chance in the name of a special token, which log-probabilities list.
MIN_CANARY_CHARS = 4
SAMPLING_VARIANTS: tuple[dict[str, Any], ...] = (
    {"temperature": 0.0},
    {"temperature": 1.0, "seed": 7},
    {"temperature": 1.0, "n": 2},
    {"temperature": 0.0, "logprobs": 5},
)


class Leak(EngineUnavailable):
    """The engine generated what its policy forbids, or answered without a policy."""

    code = "self_test_failed"


async def self_test(app: App, policy_dir: Path) -> None:
    """Check that the engine enforces a policy however it samples; raise Leak or EngineUnavailable if not."""
    model = await _model(app)
    await _check_no_answer_without_policy(app, model)
    prompt, canary = await _canary(app, model)
    automaton = Automaton.compile([canary])
    automaton.save(policy_dir)
    for variant in SAMPLING_VARIANTS:
        response = await _ask(app, model, prompt, (automaton.digest,), **variant)
        _check_clean(response, canary)


async def _model(app: App) -> str:
    response = await asgi_client.request(app, "GET", "/v1/models")
    answer = response.json()
    try:
        return str(answer["data"][0]["id"])
    except (KeyError, IndexError, TypeError):
        raise EngineUnavailable("the engine does not list a model at /v1/models: it is not a vLLM") from None


async def _check_no_answer_without_policy(app: App, model: str) -> None:
    body = {"model": model, "prompt": PROMPTS[0], "max_tokens": 8, "temperature": 0.0}
    response = await asgi_client.request(app, "POST", COMPLETIONS, body)
    if response.status == 200 and any(fold(text) for text in _texts(response)):
        raise Leak("the engine answers a request without a policy: our processor is not loaded in it")


async def _canary(app: App, model: str) -> tuple[str, str]:
    """Return a prompt and the text with which the model begins its greedy answer."""
    for prompt in PROMPTS:
        response = await _ask(app, model, prompt, (), temperature=0.0)
        if response.status != 200:
            raise EngineUnavailable("the engine does not answer the self-test")
        text = "".join(_texts(response))
        lengths = (length for length in range(1, len(text) + 1) if len(fold(text[:length])) >= MIN_CANARY_CHARS)
        if fold(text):
            return prompt, text[: next(lengths, len(text))]
    raise EngineUnavailable("the model says nothing that the self-test could forbid")


async def _ask(app: App, model: str, prompt: str, automata: tuple[str, ...], **variant: Any) -> Response:
    xargs = EngineArgs("self-test", automata).dump()
    body = {"model": model, "prompt": prompt, "max_tokens": 8, "ignore_eos": True, "vllm_xargs": xargs, **variant}
    return await asgi_client.request(app, "POST", COMPLETIONS, body)


def _check_clean(response: Response, canary: str) -> None:
    if response.status != 200:
        raise EngineUnavailable("the engine does not answer the self-test under a policy")
    texts = [fold(text) for text in _texts(response)]
    listed = [fold(token) for token in _first_tokens(response)]
    if any(fold(canary) in text for text in (*texts, *listed)):
        raise Leak("the engine's self-test leaked: a forbidden text came through, so it serves nobody")


def _texts(response: Response) -> list[str]:
    answer = response.json()
    return [str(choice.get("text") or "") for choice in (answer or {}).get("choices", [])]


def _first_tokens(response: Response) -> list[str]:
    """Return every token in the top log-probabilities of any position."""
    listed: list[str] = []
    for choice in (response.json() or {}).get("choices", []):
        for position in ((choice.get("logprobs") or {}).get("top_logprobs")) or []:
            listed.extend(position or {})
    return listed
