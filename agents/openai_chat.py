"""A Chat over any endpoint with OpenAI's chat completions API."""

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

MAX_CONCURRENCY = 16
_FINISHED = ("stop", "length")


@dataclass(frozen=True, slots=True)
class OpenAIChat:
    """A model at an endpoint. The caller creates `client`, with its key, and closes it.

    second_provider   whether the endpoint belongs to another party than the guarded engine; it is never guessed
    concurrency       limits the concurrent calls of all requests
    extra             further members of the request body, e.g. `vllm_xargs`
    max_reply_tokens  upper bound of the `max_completion_tokens` that are requested
    """

    client: AsyncOpenAI = field(repr=False)
    model: str
    second_provider: bool
    concurrency: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENCY), repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)
    max_reply_tokens: int = 2**31

    async def complete(
        self, messages: Sequence[Message], n: int, schema: Schema | None, max_tokens: int, temperature: float
    ) -> Completions:
        """Return the endpoint's choices; ChatFailed if it fails or its response is no chat completion.

        Nothing is retried, as that is for the pipeline and its budget to decide. Cancelling closes the connection,
        which makes an engine abort the generation.
        """
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": message.role, "content": _sendable(message.text)} for message in messages],
            "n": n,
            "max_completion_tokens": min(max_tokens, self.max_reply_tokens),
            "temperature": temperature,
        }
        if schema is not None:
            strict = {"name": schema.name, "schema": dict(schema.body), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": strict}
        async with self.concurrency:
            try:
                client = self.client.with_options(max_retries=0)
                reply = await client.chat.completions.create(**body, extra_body=dict(self.extra))
            except (openai.OpenAIError, ValueError) as error:
                raise ChatFailed(type(error).__name__) from None
        return _completions(reply)


def _sendable(text: str) -> str:
    # JSON can escape half a surrogate pair, which UTF-8 cannot encode.
    return text.encode("utf-8", "replace").decode()


def _completions(reply: ChatCompletion) -> Completions:
    # The client does not validate responses: members may be missing or of any type.
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
