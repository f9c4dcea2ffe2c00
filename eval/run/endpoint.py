"""Any OpenAI endpoint as a runner: answers as a client gets them, with the log-probabilities it is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import openai

from eval.errors import EndpointFailed
from eval.run.ask import Ask, Forced, Said
from eval.run.method import MethodName
from eval.run.scorer import UNSCORED, Scorer
from guard.target import Draft, Method
from serving.admin_client import AdminClient, AdminRefused

_AT_ONCE = 16
_TIMEOUT = 300.0
_RETRIES = 4


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
        """The greedy answer to each; raises EndpointFailed when one cannot be had."""
        with ThreadPoolExecutor(_AT_ONCE) as pool, _failing():
            return list(pool.map(lambda ask: self._said(ask, max_tokens), asks))

    def score(
        self, asks: Sequence[Ask], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[Forced]]:
        """Each answer by the scoring plane, without the distribution over the vocabulary."""
        scorer = self._scorer
        if scorer is None:
            raise EndpointFailed(self.no_likelihood)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            jobs = [
                [pool.submit(scorer.forced, ask, answer, end=end) for answer in given]
                for ask, given in zip(asks, answers, strict=True)
            ]
            for row in jobs:
                yield [job.result() for job in row]

    def _said(self, ask: Ask, max_tokens: int) -> Said:
        common: dict[str, Any] = {"model": self.model, "temperature": 0.0, "max_tokens": max_tokens}
        if ask.prefill:
            raise EndpointFailed(
                "the benchmark begins the assistant's turn, which an endpoint cannot be asked to do"
            )
        if ask.chat:
            messages: Any = [{"role": "user", "content": ask.text}]
            chosen = self._client.chat.completions.create(**common, messages=messages, logprobs=True).choices[0]
            listed = (chosen.logprobs.content or ()) if chosen.logprobs else ()
            return Said(chosen.message.content or "", tuple(entry.logprob for entry in listed))
        completed = self._client.completions.create(**common, prompt=ask.text, logprobs=1).choices[0]
        shown = (completed.logprobs.token_logprobs or ()) if completed.logprobs else ()
        return Said(completed.text, tuple(value for value in shown if value is not None))


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
        stored: list[str] = []
        if name is not MethodName.NONE:
            stored = admin.add_many([_wire(draft, Method(name.value)) for draft in drafts])["ids"]
    try:
        yield
    finally:
        with _failing():
            for target in stored:
                admin.revoke(target)


def _active(admin: AdminClient) -> bool:
    cursor, first = None, True
    while first or cursor:
        page = admin.list(cursor, 1000)
        if any(target["state"] == "active" for target in page["targets"]):
            return True
        cursor, first = page["next_cursor"], False
    return False


def _wire(draft: Draft, method: Method) -> dict[str, Any]:
    return {
        "name": draft.name,
        "kind": draft.kind.value,
        "facts": [{"question": fact.question, "answer": fact.answer} for fact in draft.facts],
        "passages": list(draft.passages),
        "methods": [method.value],
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
