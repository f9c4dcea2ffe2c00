"""Any OpenAI endpoint as a runner: answers as a client gets them, with the log-probabilities it is shown."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import openai

from eval.core.ask import Ask, Drawn, Forced, Looked, Said, drawn
from eval.core.errors import BadRun, EndpointFailed
from eval.methods.method import MethodName
from eval.runners.scorer import UNSCORED, Scorer
from guard.targets.target import Draft, Method
from guard.text.conversation import Message
from serving.admin.client import AdminClient, AdminRefused

STORED = frozenset({MethodName.NONE, MethodName.DECLINE, MethodName.GUARD, MethodName.ALU})
"""The methods that a server can be told to use by storing targets."""

_AT_ONCE = 16
_TIMEOUT = 300.0
_RETRIES = 4
_PAUSE = 1.0


class Endpoint:
    """An endpoint asked by 16 clients at once; what stands between client and model is its own affair."""

    def __init__(self, client: openai.OpenAI, model: str, scorer: Scorer | None = None) -> None:
        self._client = client
        self._scorer = scorer
        self.model = model
        self.no_likelihood = "" if scorer else UNSCORED

    @classmethod
    def open(cls, url: str, model: str, score_url: str = "") -> Endpoint:
        """The endpoint at this base URL (without /v1), and the model it serves if none is named.

        With the URL of its scoring plane given answers are scored too.
        """
        client = openai.OpenAI(
            base_url=f"{url.rstrip('/')}/v1",
            api_key=os.environ.get("OPENAI_API_KEY", "unused"),
            timeout=_TIMEOUT,
            max_retries=_RETRIES,
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

    def generate(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        """The answer to each, draws of one ask as the choices of one; EndpointFailed when one cannot be had."""
        with ThreadPoolExecutor(_AT_ONCE) as pool, _failing():
            return [
                said
                for all_said in pool.map(lambda d: self._said(d, max_tokens), drawn(asks))
                for said in all_said
            ]

    def look(self, asks: Sequence[Ask], max_tokens: int, top: int) -> list[Looked]:
        """The greedy answer to each chat, with the `top` tokens listed at every place."""
        with ThreadPoolExecutor(_AT_ONCE) as pool, _failing():
            return list(pool.map(lambda ask: self._looked(ask, max_tokens, top), asks))

    def stream(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        """What a client of each chat's stream has when it ends."""
        with ThreadPoolExecutor(_AT_ONCE) as pool, _failing():
            return list(pool.map(lambda ask: Said(self._streamed(ask, max_tokens), ()), asks))

    def score(
        self, asks: Sequence[Ask], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[Forced]]:
        """Each answer by the scoring plane, without the distribution over the vocabulary."""
        scorer = self._scorer
        if scorer is None:
            raise EndpointFailed(self.no_likelihood)
        jobs = [(ask, answer) for ask, given in zip(asks, answers, strict=True) for answer in given]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            scored = pool.map(lambda job: scorer.forced(*job, end=end), jobs)
            for given in answers:
                yield [next(scored) for _ in given]

    def _said(self, drawn: Drawn, max_tokens: int) -> list[Said]:
        ask = drawn.ask
        if ask.chat:
            choices = self._client.chat.completions.create(**self._chat(drawn, max_tokens), logprobs=True).choices
            return [_chat_said(choice) for choice in choices]
        common = self._common(drawn, max_tokens)
        completed = self._client.completions.create(**common, prompt=ask.text, logprobs=1).choices
        return [_said(choice) for choice in completed]

    def _looked(self, ask: Ask, max_tokens: int, top: int) -> Looked:
        body = self._chat(Drawn(ask, 1), max_tokens)
        chosen = self._client.chat.completions.create(**body, logprobs=True, top_logprobs=top).choices[0]
        content = (chosen.logprobs.content or ()) if chosen.logprobs else ()
        if not content:
            return Looked([chosen.message.content or ""], [[]])
        listed = [[other.token for other in entry.top_logprobs] for entry in content]
        return Looked([entry.token for entry in content], listed)

    def _streamed(self, ask: Ask, max_tokens: int) -> str:
        chunks = self._client.chat.completions.create(**self._chat(Drawn(ask, 1), max_tokens), stream=True)
        return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)

    def _chat(self, drawn: Drawn, max_tokens: int) -> dict[str, Any]:
        ask = drawn.ask
        turns = [*ask.before, Message("user", ask.text)]
        more: dict[str, Any] = {}
        if ask.prefill:
            turns.append(Message("assistant", ask.prefill))
            more["extra_body"] = {"add_generation_prompt": False, "continue_final_message": True}
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        return {**self._common(drawn, max_tokens), "messages": messages, **more}

    def _common(self, drawn: Drawn, max_tokens: int) -> dict[str, Any]:
        body = {"model": self.model, "temperature": drawn.ask.temperature, "max_tokens": max_tokens}
        return body | ({"n": drawn.times, "seed": drawn.ask.draw} if drawn.ask.temperature else {})


def _chat_said(choice: Any) -> Said:
    listed = (choice.logprobs.content or ()) if choice.logprobs else ()
    return Said(choice.message.content or "", tuple(entry.logprob for entry in listed))


def _said(choice: Any) -> Said:
    shown = (choice.logprobs.token_logprobs or ()) if choice.logprobs else ()
    return Said(choice.text, tuple(value for value in shown if value is not None))


def check_stored(methods: Collection[MethodName]) -> None:
    """Raise BadRun for a method that a server cannot be told to use."""
    unknown = set(methods) - STORED
    if unknown:
        raise BadRun(f"through an endpoint there is no method {', '.join(sorted(unknown))}")


@contextmanager
def forgetting(drafts: Sequence[Draft], name: MethodName) -> Iterator[None]:
    """The endpoint's own policy holds these targets under this method, and nothing else, while this lasts.

    The admin plane is found as the command line finds it (ADMIN_URL, LETHE_ADMIN_KEY). For `none` it is asked only
    where a key is given: an endpoint without one is taken as it is.
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
    found: list[str] = []
    cursor, first = None, True
    while first or cursor:
        page = admin.list(cursor, 1000)
        found += [target["id"] for target in page["targets"] if target["state"] == "active"]
        cursor, first = page["next_cursor"], False
    return found


def _enforced(admin: AdminClient, change: Callable[[], object]) -> None:
    """Make a change and return when it is enforced, though that take longer than the server's own wait."""
    try:
        change()
    except AdminRefused as refused:
        deadline = time.monotonic() + _TIMEOUT
        while refused.code == "not_applied_in_time" and time.monotonic() < deadline:
            policy = admin.policy()
            if policy["enforced_version"] >= policy["version"]:
                return
            time.sleep(_PAUSE)
        raise


def _wire(draft: Draft, method: Method) -> dict[str, Any]:
    return {
        "name": draft.name,
        "kind": draft.kind.value,
        "facts": [{"question": fact.question, "answer": fact.answer} for fact in draft.facts],
        "passages": list(draft.passages),
        "methods": [method.value],
        "scope": draft.scope.value,
    }


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except openai.APIStatusError as error:
        raise EndpointFailed(f"the endpoint answered {error.status_code}; run again to go on") from None
    except openai.OpenAIError as error:
        raise EndpointFailed(
            f"the endpoint cannot be reached ({type(error).__name__}); run again to go on"
        ) from None
    except AdminRefused as error:
        raise EndpointFailed(f"the admin plane refused: {error.code}: {error.detail}") from None
