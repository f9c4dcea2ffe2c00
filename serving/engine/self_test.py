"""The self-test: the engine must enforce a canary policy before any client is served.

The test takes the beginning of the model's own greedy answer, forbids exactly that, and asks again with every way
of sampling. A request without a policy must be refused or answered with nothing. So a processor that is not in
force is noticed, whatever dropped it (vLLM 0.32 has at least three silent ways).

On vLLM's V2 runner, and of an engine elsewhere, whole batches are asked then, of requests that differ in what
they ask and in whether anything is forbidden. A logit bias makes the model say the tokens of a canary again and
again, so that at each step some row is about to complete it: a processor that mixes up rows, reads what was said a
step late, or loses it when a request is preempted, lets one through. With speculative decoding the same holds for
draft tokens.

In the last batch all is forbidden to everybody, so that each worker that samples has a row to mask: replicas, and
tensor-parallel ranks where they share the requests by their slots. By default all ranks mask and sample the same
rows, and vLLM answers with the tokens of the first.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

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
BATCH = 8
"""Requests of a batch, every other of which forbids the canary."""
SHARDED_BATCH = 16
"""Requests of the batch that has one for each of up to so many ranks or replicas."""
BATCH_TOKENS = 48
MAX_BIAS = 100.0
"""The highest bias of a token that the API takes: what has it is sampled, unless it is masked."""
OWN_BYTES = 16
MAX_PREEMPTIONS = 8
"""Of a batch: a processor that keeps the state of a preempted request leaks after some of them, not after each."""
PREEMPTED_BATCHES = 2

Preempt = Callable[[], Awaitable[None]]
"""Preempts all running requests of an engine, so that they begin again with what they have said."""


class Canary(NamedTuple):
    """A prompt and how the model begins its answer.

    text      what is forbidden
    sequence  the same or more, of two tokens or more where they are known: it depends on what was said before
    tokens    the ids of the tokens of `sequence` and of one more, after which all of them are possible; empty if
              they are not known
    """

    prompt: str
    text: str
    sequence: str
    tokens: tuple[int, ...] = ()


class Leak(EngineUnavailable):
    """The engine generated what its policy forbids, or answered without a policy."""

    code = "self_test_failed"


async def self_test(
    app: App,
    policy_dir: Path,
    preempt: Preempt | None = None,
    *,
    batches: bool = False,
    names: Callable[[str], object] = lambda digest: None,
) -> None:
    """Check that the engine enforces a policy however it samples; raise Leak or EngineUnavailable if not.

    `batches`: ask whole batches too, once more with requests preempted meanwhile where there is `preempt`. `names`
    is called with the digest of each automaton before it is asked for; nobody else asks for it.
    """
    model = await _model(app)
    await _check_no_answer_without_policy(app, model)
    canary = await _canary(app, model)
    # A phrase that is in no other automaton gives those of this test digests of their own.
    own = secrets.token_hex(OWN_BYTES)
    automaton = Automaton.compile([canary.text, own])
    automaton.save(policy_dir)
    names(automaton.digest)
    for variant in SAMPLING_VARIANTS:
        response = await _ask(app, model, canary.prompt, (automaton.digest,), **variant)
        _check_clean(response, canary.text)
    if batches:
        automaton = Automaton.compile([canary.sequence, own])
        automaton.save(policy_dir)
        names(automaton.digest)
        began = time.monotonic()
        await _check_batch(app, model, canary, automaton.digest)
        if preempt is not None:
            # Spread over the answers, however fast the engine is.
            period_s = (time.monotonic() - began) / (MAX_PREEMPTIONS + 1)
            for number in range(1, PREEMPTED_BATCHES + 1):
                await _check_batch(app, model, canary, automaton.digest, preempt, period_s / number)
        await _check_sharded(app, model, canary, automaton.digest)


async def _check_batch(
    app: App, model: str, canary: Canary, digest: str, preempt: Preempt | None = None, period_s: float = 0.0
) -> None:
    """Check a batch of different requests at once; those that forbid nothing may say what they like.

    With `preempt` all of them are preempted every `period_s` seconds.
    """
    batch = []
    for number in range(BATCH):
        variant = SAMPLING_VARIANTS[number // 2 % len(SAMPLING_VARIANTS)]
        hot = variant if variant["temperature"] == 0.0 else {**variant, **_hot(number)}
        batch.append(_ask_biased(app, model, canary, number, (digest,) if number % 2 == 0 else (), hot))
    answering = asyncio.gather(*batch)
    for _ in range(MAX_PREEMPTIONS if preempt else 0):
        await asyncio.wait([answering], timeout=period_s)
        if preempt is not None and not answering.done():
            await preempt()
    for response in (await answering)[::2]:
        _check_clean(response, canary.sequence)


async def _check_sharded(app: App, model: str, canary: Canary, digest: str) -> None:
    """Check a batch in which all is forbidden to every request, so that none may be unmasked, wherever it runs."""
    batch = [_ask_biased(app, model, canary, number, (digest,), _hot(number)) for number in range(SHARDED_BATCH)]
    for response in await asyncio.gather(*batch):
        _check_clean(response, canary.sequence)


def _hot(seed: int) -> dict[str, Any]:
    """Sample hotter than any client would ask, so that the tokens of the canary come in every order."""
    return {"temperature": 2.0, "seed": seed}


async def _ask_biased(
    app: App, model: str, canary: Canary, number: int, automata: tuple[str, ...], variant: dict[str, Any]
) -> Response:
    """Ask the request of this number in a batch, which wants to say the tokens of the canary."""
    bias = {"logit_bias": {str(token): MAX_BIAS for token in canary.tokens}} if canary.tokens else {}
    prompt = (canary.prompt, *PROMPTS)[number % (1 + len(PROMPTS))]
    return await _ask(app, model, prompt, automata, max_tokens=BATCH_TOKENS, **variant, **bias)


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


async def _canary(app: App, model: str) -> Canary:
    """Return a prompt and the text with which the model begins its greedy answer."""
    for prompt in PROMPTS:
        response = await _ask(app, model, prompt, (), temperature=0.0, logprobs=0, return_token_ids=True)
        if response.status != 200:
            raise EngineUnavailable("the engine does not answer the self-test")
        text = "".join(_texts(response))
        lengths = (length for length in range(1, len(text) + 1) if len(fold(text[:length])) >= MIN_CANARY_CHARS)
        if fold(text):
            begun = text[: next(lengths, len(text))]
            return Canary(prompt, begun, *_sequence(response, begun))
    raise EngineUnavailable("the model says nothing that the self-test could forbid")


def _sequence(response: Response, text: str) -> tuple[str, tuple[int, ...]]:
    """Return the first tokens of an answer as text and ids, at least two of them; `text` if they are not known."""
    choice = response.json()["choices"][0]
    ids, pieces = choice.get("token_ids") or [], (choice.get("logprobs") or {}).get("tokens") or []
    for length in range(2, min(len(ids), len(pieces)) + 1):
        sequence = "".join(pieces[:length])
        # A token may be a part of a character, which has no text of its own.
        if len(fold(sequence)) >= MIN_CANARY_CHARS and "\ufffd" not in sequence:
            other = [token for token in ids[length:] if token not in ids[:length]]
            return sequence, (*ids[:length], *other[:1])
    return text, ()


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
