"""Any endpoint that speaks OpenAI's chat completions, behind the Chat protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion

from agents.chat import ChatFailed, Completion, Completions, Schema, Usage
from guard.text.conversation import Message

CONCURRENCY = 16
_FINISHED = ("stop", "length")


@dataclass(frozen=True, slots=True)
class OpenAIChat:
    """A model at an endpoint; the client is the caller's to make, with its key, and to close.

    second_provider  whether the endpoint belongs to another party than the guarded engine; say so or not, it is
                     never guessed
    places           as many calls at once as it has; calls of all requests wait for a free place
    extra            further members of the request body, e.g. `vllm_xargs`
    longest          the most tokens a reply may be asked to have
    """

    client: AsyncOpenAI = field(repr=False)
    model: str
    second_provider: bool
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENCY), repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)
    longest: int = 2**31

    async def complete(
        self, messages: Sequence[Message], n: int, schema: Schema | None, max_tokens: int, temperature: float
    ) -> Completions:
        """Return the endpoint's choices; ChatFailed when it fails, or does not answer as OpenAI's contract says.

        Not retried: the budget of a request is the pipeline's to spend. Cancelling closes the connection, which
        makes the engine give up the generation.
        """
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": message.role, "content": _sendable(message.text)} for message in messages],
            "n": n,
            "max_completion_tokens": min(max_tokens, self.longest),
            "temperature": temperature,
        }
        if schema is not None:
            strict = {"name": schema.name, "schema": dict(schema.body), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": strict}
        async with self.places:
            try:
                client = self.client.with_options(max_retries=0)
                reply = await client.chat.completions.create(**body, extra_body=dict(self.extra))
            except (openai.OpenAIError, ValueError) as error:
                raise ChatFailed(type(error).__name__) from None
        return _completions(reply)


def _sendable(text: str) -> str:
    # JSON can spell half a surrogate pair, which no client sends.
    return text.encode("utf-8", "replace").decode()


def _completions(reply: ChatCompletion) -> Completions:
    # The client does not validate what it parses: members may be of any type, or missing.
    try:
        choices = tuple(
            Completion(choice.message.content, choice.finish_reason)
            for choice in reply.choices
            if isinstance(choice.message.content, str) and choice.finish_reason in _FINISHED
        )
        usage = reply.usage
        if usage is None or type(usage.prompt_tokens) is not int or type(usage.completion_tokens) is not int:
            raise ChatFailed("NoUsage")
        if min(usage.prompt_tokens, usage.completion_tokens) < 0:
            raise ChatFailed("BadUsage")
        return Completions(choices, Usage(usage.prompt_tokens, usage.completion_tokens))
    except (AttributeError, TypeError):
        raise ChatFailed("NotAChatCompletion") from None
