"""Vanilla, the first role of the agents: the engine's own answer to the client's request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from agents.chat import ChatFailed, Completion, Completions, Schema, Usage
from guard.policy.plan import Plan
from guard.text.conversation import Message
from serving.http import asgi_client
from serving.http.asgi import App
from serving.http.asgi_client import Response
from serving.protocol.engine_body import engine_body
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest
from serving.protocol.surfaces import surfaces

# Members about delivery: Vanilla requests one choice, not streamed.
DELIVERY = ("stream", "stream_options", "n", "best_of", "echo")


class Vanilla:
    """A Chat that sends the client's own body to the engine, so that its sampling parameters apply.

    With `client_messages` False, the messages given to `complete` replace the client's. After a call, `answer` is
    the engine's answer with one choice, or `refusal` its response to a request that it refused.
    """

    second_provider = False

    def __init__(
        self,
        engine: App,
        request: GenerationRequest,
        plan: Plan,
        concurrency: asyncio.Semaphore,
        *,
        client_messages: bool = True,
    ) -> None:
        self._engine = engine
        self._request = request
        self._plan = plan
        self._concurrency = concurrency
        self._client_messages = client_messages
        self.answer: dict[str, Any] | None = None
        self.refusal: Response | None = None

    async def complete(
        self, messages: Sequence[Message], n: int, schema: Schema | None, max_tokens: int, temperature: float
    ) -> Completions:
        """Return the text of all surfaces of the answer; ChatFailed if there is no answer."""
        request = GenerationRequest(self._request.route, self._body(messages))
        async with self._concurrency:
            response = await asgi_client.request(
                self._engine, "POST", request.route, raw=engine_body(request, self._plan)
            )
        if 400 <= response.status < 500:
            self.refusal = response
        if response.status != 200:
            raise ChatFailed("Refused")
        answer = response.json()
        read = _read(answer)
        self.answer = answer
        return read

    def _body(self, messages: Sequence[Message]) -> dict[str, Any]:
        body = {key: value for key, value in self._request.body.items() if key not in DELIVERY}
        if not self._client_messages:
            return body | {"messages": [{"role": each.role, "content": each.text} for each in messages]}
        return body


def _read(answer: Any) -> Completions:
    try:
        choice = answer["choices"][0]
        text = "\n".join(surface.holder[surface.member] for surface in surfaces(choice))
        finish = "length" if choice["finish_reason"] == "length" else "stop"
        usage = answer["usage"]
        return Completions(
            (Completion(text, finish),), Usage(int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
        )
    except (KeyError, IndexError, TypeError, ValueError):
        raise ChatFailed("NotAnAnswer") from None


def split_prompts(request: GenerationRequest) -> list[GenerationRequest]:
    """Return one request for each prompt of `request`."""
    prompts = request.body.get("prompt")
    if request.route == CHAT or not isinstance(prompts, list) or not prompts or isinstance(prompts[0], int):
        return [request]
    return [GenerationRequest(request.route, {**request.body, "prompt": prompt}) for prompt in prompts]
