"""Any OpenAI endpoint as a runner: the answers that a client gets, with the log-probabilities it is given."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any, cast

import openai

from eval.core.errors import BadRun, EndpointFailed
from eval.core.prompt import Prompt, SampledPrompt, sampled_prompts
from eval.core.runner import ENDPOINT_UNSCORED, Generation, ScoredAnswer, TopTokens
from eval.methods.method import MethodName
from eval.runners.scorer import Scorer
from guard.targets.target import Draft, Method
from guard.text.conversation import Message
from serving.client import AdminClient, AdminError, NotApplied
from serving.client.requests import TargetDraft

STORED_METHODS = frozenset({MethodName.NONE, MethodName.DECLINE, MethodName.GUARD, MethodName.ALU})
"""The methods that a server uses because of the targets stored in it."""

_CONCURRENCY = 16
_TIMEOUT_S = 300.0
_MAX_RETRIES = 4
_POLL_INTERVAL_S = 1.0


class Endpoint:
    """An endpoint with 16 requests at a time; what lies between client and model is not known."""

    def __init__(self, client: openai.OpenAI, model: str, scorer: Scorer | None = None) -> None:
        self._client = client
        self._scorer = scorer
        self.model = model
        self.no_likelihood = "" if scorer else ENDPOINT_UNSCORED

    @classmethod
    def open(cls, url: str, model: str, score_url: str = "") -> Endpoint:
        """Open the endpoint at this base URL (without /v1); without a model name, the first model it serves.

        With the URL of its scoring plane it also scores given answers.
        """
        client = openai.OpenAI(
            base_url=f"{url.rstrip('/')}/v1",
            api_key=os.environ.get("OPENAI_API_KEY", "unused"),
            timeout=_TIMEOUT_S,
            max_retries=_MAX_RETRIES,
            http_client=openai.DefaultHttpxClient(trust_env=False),
        )
        with _failing():
            served = client.with_options(max_retries=0).models.list().data
            return cls(client, model or str(served[0].id), Scorer.open(score_url) if score_url else None)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()
        if self._scorer:
            self._scorer.close()

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return the answer to each prompt; draws of one prompt are the choices of one request."""
        with ThreadPoolExecutor(_CONCURRENCY) as pool, _failing():
            answers = pool.map(lambda sampled: self._generations(sampled, max_tokens), sampled_prompts(prompts))
            return list(chain.from_iterable(answers))

    def generate_top_tokens(self, prompts: Sequence[Prompt], max_tokens: int, top: int) -> list[TopTokens]:
        """Return the greedy answer to each chat, with the `top` most likely tokens at every position."""
        with ThreadPoolExecutor(_CONCURRENCY) as pool, _failing():
            return list(pool.map(lambda prompt: self._top_tokens(prompt, max_tokens, top), prompts))

    def stream(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        """Return what a client of each chat's stream has received when it ends."""
        with ThreadPoolExecutor(_CONCURRENCY) as pool, _failing():
            return list(pool.map(lambda prompt: Generation(self._streamed(prompt, max_tokens), ()), prompts))

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        """Yield each answer's scores by the scoring plane, without the distribution over the vocabulary."""
        scorer = self._scorer
        if scorer is None:
            raise EndpointFailed(self.no_likelihood)
        jobs = [(prompt, answer) for prompt, given in zip(prompts, answers, strict=True) for answer in given]
        with ThreadPoolExecutor(_CONCURRENCY) as pool:
            scored = pool.map(lambda job: scorer.score(*job, end=end), jobs)
            for given in answers:
                yield [next(scored) for _ in given]

    def _generations(self, sampled: SampledPrompt, max_tokens: int) -> list[Generation]:
        prompt = sampled.prompt
        if prompt.chat:
            choices = self._client.chat.completions.create(
                **self._chat(sampled, max_tokens), logprobs=True
            ).choices
            return [_chat_generation(choice) for choice in choices]
        common = self._common(sampled, max_tokens)
        completed = self._client.completions.create(**common, prompt=prompt.text, logprobs=1).choices
        return [_text_generation(choice) for choice in completed]

    def _top_tokens(self, prompt: Prompt, max_tokens: int, top: int) -> TopTokens:
        body = self._chat(SampledPrompt(prompt, 1), max_tokens)
        chosen = self._client.chat.completions.create(**body, logprobs=True, top_logprobs=top).choices[0]
        content = (chosen.logprobs.content or ()) if chosen.logprobs else ()
        if not content:
            return TopTokens([chosen.message.content or ""], [[]])
        listed = [[other.token for other in entry.top_logprobs] for entry in content]
        return TopTokens([entry.token for entry in content], listed)

    def _streamed(self, prompt: Prompt, max_tokens: int) -> str:
        chunks = self._client.chat.completions.create(
            **self._chat(SampledPrompt(prompt, 1), max_tokens), stream=True
        )
        return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)

    def _chat(self, sampled: SampledPrompt, max_tokens: int) -> dict[str, Any]:
        prompt = sampled.prompt
        turns = [*prompt.before, Message("user", prompt.text)]
        more: dict[str, Any] = {}
        if prompt.prefill:
            turns.append(Message("assistant", prompt.prefill))
            more["extra_body"] = {"add_generation_prompt": False, "continue_final_message": True}
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        return {**self._common(sampled, max_tokens), "messages": messages, **more}

    def _common(self, sampled: SampledPrompt, max_tokens: int) -> dict[str, Any]:
        body = {"model": self.model, "temperature": sampled.prompt.temperature, "max_tokens": max_tokens}
        return body | ({"n": sampled.draws, "seed": sampled.prompt.draw} if sampled.prompt.temperature else {})


def _chat_generation(choice: Any) -> Generation:
    listed = (choice.logprobs.content or ()) if choice.logprobs else ()
    return Generation(choice.message.content or "", tuple(entry.logprob for entry in listed))


def _text_generation(choice: Any) -> Generation:
    shown = (choice.logprobs.token_logprobs or ()) if choice.logprobs else ()
    return Generation(choice.text, tuple(value for value in shown if value is not None))


def check_stored(methods: Collection[MethodName]) -> None:
    """Raise BadRun for a method that is not selected by storing targets."""
    unknown = set(methods) - STORED_METHODS
    if unknown:
        raise BadRun(f"through an endpoint there is no method {', '.join(sorted(unknown))}")


@contextmanager
def forgetting(drafts: Sequence[Draft], name: MethodName) -> Iterator[None]:
    """Keep these targets, and no others, in the endpoint's registry under this method inside the context.

    The admin plane is found as the command line finds it (ADMIN_URL, LETHE_ADMIN_KEY). For `none` it is called
    only where a key is given: an endpoint without a key is taken as it is.
    """
    if name is MethodName.NONE and not os.environ.get("LETHE_ADMIN_KEY"):
        yield
        return
    with _failing():
        admin = AdminClient.from_environment()
        if _active(admin):
            raise EndpointFailed("the server has active forget targets; an evaluation needs one without any")
    try:
        if name is not MethodName.NONE:
            wired = [_wire(draft, Method(name.value)) for draft in drafts]
            with _failing():
                _enforced(admin, lambda: admin.add_many(wired))
        yield
    finally:
        # There were none before, so all are ours, also where storing them failed half-way.
        with _failing():
            for target in _active(admin):
                _enforced(admin, partial(admin.revoke, target))


def _active(admin: AdminClient) -> list[str]:
    return [target.id for target in admin.targets(state="active", page=1000)]


def _enforced(admin: AdminClient, change: Callable[[], object]) -> None:
    """Make a change and return when it is enforced, also where that takes longer than the server's own wait."""
    try:
        change()
    except NotApplied:
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            policy = admin.policy()
            if policy.enforced_version >= policy.version:
                return
            time.sleep(_POLL_INTERVAL_S)
        raise


def _wire(draft: Draft, method: Method) -> TargetDraft:
    wire = {
        "name": draft.name,
        "kind": draft.kind.value,
        "facts": [{"question": fact.question, "answer": fact.answer} for fact in draft.facts],
        "passages": list(draft.passages),
        "phrases": list(draft.phrases),
        "methods": [method.value],
        "scope": draft.scope.value,
    }
    return cast(TargetDraft, wire)


@contextmanager
def _failing() -> Iterator[None]:
    try:
        with admin_errors():
            yield
    except openai.APIStatusError as error:
        raise EndpointFailed(f"the endpoint answered {error.status_code}; run again to go on") from None
    except openai.OpenAIError as error:
        raise EndpointFailed(
            f"the endpoint cannot be reached ({type(error).__name__}); run again to go on"
        ) from None


@contextmanager
def admin_errors() -> Iterator[None]:
    """Raise EndpointFailed where the admin plane refuses."""
    try:
        yield
    except AdminError as error:
        raise EndpointFailed(f"the admin plane refused: {error.code}: {error.detail}") from None
