"""The served model, unrestricted: requests to the engine itself, past the data plane and its policy.

No client reaches this: what a client sends goes through the data plane, which refuses the member that carries the
policy (`vllm_xargs`) and writes its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from guard.decoding.request_args import EngineArgs
from guard.errors import EngineUnavailable
from serving.elicitation.asking import Sampling
from serving.elicitation.forms import Prompt
from serving.elicitation.statements import Answer
from serving.http import asgi_client
from serving.http.asgi import App
from serving.protocol.refused_fields import CHAT, COMPLETIONS

MAX_TOKENS = 160
# How the rest of a question is asked for.
QUESTION_MARKS = ("?", "？")
QUESTION: Mapping[str, object] = {"max_tokens": 40, "stop": [*QUESTION_MARKS, "\n"]}
# Equal runs of an unchanged model should say the same, and a prompt at two temperatures not.
SEEDS_BETWEEN_DEGREES = 1_000


class ServedModel:
    """The model of the engine that runs, by its chat, or by completions where it has no chat template."""

    def __init__(self, engine: Callable[[], App | None]) -> None:
        self._engine = engine
        self._chats = True

    def require_engine(self) -> None:
        """Raise EngineUnavailable while no engine is ready."""
        self._app()

    async def name(self) -> str:
        """Return the name of the model. Raises EngineUnavailable."""
        response = await asgi_client.request(self._app(), "GET", "/v1/models")
        try:
            return str(response.json()["data"][0]["id"])
        except (KeyError, IndexError, TypeError):
            raise EngineUnavailable("the engine does not list a model at /v1/models") from None

    async def say(self, prompt: Prompt, sampling: Sampling) -> Sequence[Answer]:
        """Return the answers to a prompt; none if the engine refuses it. Raises EngineUnavailable."""
        # Of a sampled answer the probabilities tell how it was sampled.
        likely: dict[str, object] = {"logprobs": True} if sampling.temperature == 0.0 else {}
        if self._chats:
            status, choices = await self._post(CHAT, {**_chat(prompt), **likely}, sampling)
            if status != 400:
                return _answers(prompt, sampling, choices)
            # Refused: by a model without a chat template, which completes.
        likely = {"logprobs": 0} if likely else {}
        status, choices = await self._post(COMPLETIONS, {**_completion(prompt), **likely}, sampling)
        self._chats = self._chats and status == 400
        return _answers(prompt, sampling, choices)

    async def complete(self, prompt: Prompt, sampling: Sampling) -> Sequence[str]:
        """Return questions that begin as the prompt does; none if the engine refuses it.

        Raises EngineUnavailable.
        """
        if self._chats:
            begun = {"role": "user", "content": prompt.question}
            status, choices = await self._post(CHAT, {**_continued([begun]), **QUESTION}, sampling)
        if not self._chats or status == 400:
            body = {"prompt": f"Question: {prompt.question}", **QUESTION}
            _, choices = await self._post(COMPLETIONS, body, sampling)
        texts = ((str(_text(choice)).partition("\n")[0].rstrip(), choice.get("stop_reason")) for choice in choices)
        # Without a word more it is a question where it stopped at the mark of one.
        return [f"{prompt.question}{text}?" for text, end in texts if text.strip() or end in QUESTION_MARKS]

    async def _post(
        self, route: str, body: Mapping[str, object], sampling: Sampling
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        seed = round(sampling.temperature * SEEDS_BETWEEN_DEGREES)
        options = {"n": sampling.n, "temperature": sampling.temperature, "max_tokens": MAX_TOKENS, "seed": seed}
        xargs = EngineArgs("elicitation", unrestricted=True).dump()
        response = await asgi_client.request(self._app(), "POST", route, {**options, **body, "vllm_xargs": xargs})
        if response.status == 200:
            return response.status, (response.json() or {}).get("choices") or ()
        if response.status >= 500:
            raise EngineUnavailable(f"the engine answered with status {response.status}")
        return response.status, ()

    def _app(self) -> App:
        app = self._engine()
        if app is None:
            raise EngineUnavailable("the engine is not ready")
        return app


def _chat(prompt: Prompt) -> dict[str, object]:
    asked = {"role": "user", "content": prompt.question}
    if not prompt.answer:
        return {"messages": [asked]}
    return _continued([asked, {"role": "assistant", "content": prompt.answer}])


def _continued(messages: Sequence[Mapping[str, str]]) -> dict[str, object]:
    return {"messages": list(messages), "add_generation_prompt": False, "continue_final_message": True}


def _completion(prompt: Prompt) -> dict[str, object]:
    text = prompt.answer or f"Question: {prompt.question}\nAnswer:"
    return {"prompt": text, "stop": ["\nQuestion:", "\n\n"]}


def _answers(prompt: Prompt, sampling: Sampling, choices: Sequence[Mapping[str, Any]]) -> list[Answer]:
    likeliest = sampling.temperature == 0.0
    return [
        Answer(prompt, text, choice.get("finish_reason") == "stop", likeliest, _certainty(choice))
        for choice in choices
        if (text := str(_text(choice))).strip()
    ]


def _certainty(choice: Mapping[str, Any]) -> float:
    members = choice.get("logprobs") or {}
    of_tokens = members.get("token_logprobs") or [one["logprob"] for one in members.get("content") or ()]
    return math.exp(fmean(of_tokens)) if of_tokens else 0.0


def _text(choice: Mapping[str, Any]) -> object:
    if "text" in choice:
        return choice["text"]
    return (choice.get("message") or {}).get("content") or ""
