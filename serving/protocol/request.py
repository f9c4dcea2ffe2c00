"""A generation request as the guard sees it: what it asks, in which route, and every text it carries."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from guard.errors import RequestRefused
from guard.text.conversation import Message
from guard.text.json_escapes import readings
from serving.protocol.dialects.table import DIALECTS
from serving.protocol.prompts import Prompts, read_prompts
from serving.protocol.refused_fields import CHAT, refuse_disarming

# Members of a message or tool that name structure, not content.
STRUCTURAL = frozenset({"role", "type", "id", "tool_call_id"})
# Members of a JSON schema whose keys are names of the client's.
NAMED = ("properties", "patternProperties", "$defs", "definitions")
CHAT_CHUNK = "chat.completion.chunk"
# Further members of a body whose strings the model reads or is made to spell.
CONTEXT = ("tools", "functions", "documents", "response_format", "structured_outputs", "suffix")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A parsed request that carries nothing from the deny list.

    `route` and `body` are what the engine is asked; `asked` is what the client asked, maybe in another dialect.
    """

    route: str
    body: dict[str, Any] = field(repr=False)
    asked: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def stream(self) -> bool:
        """Whether the client asked for server-sent events."""
        return bool(self.body.get("stream"))

    @property
    def logprobs(self) -> bool:
        """Whether the client asked for log-probabilities (0 of a completion's alternatives asks too)."""
        asked = self.body.get("logprobs")
        return asked is not None and asked is not False

    @property
    def choices_per_prompt(self) -> int:
        """`n`; a value the engine will refuse counts as 1."""
        n = self.body.get("n")
        return n if isinstance(n, int) and n > 0 else 1

    @property
    def prompts(self) -> Prompts:
        """The prompts of a completion; rows of token ids must be turned into text before detection."""
        return Prompts() if self.route == CHAT else read_prompts(self.body.get("prompt"))

    def blank_chunk(self, request_id: str) -> dict[str, Any]:
        """A streamed chunk of this request's answer, without choices."""
        kind, prefix = (CHAT_CHUNK, "chatcmpl") if self.route == CHAT else ("text_completion", "cmpl")
        model = str(self.body.get("model") or "")
        return {"id": f"{prefix}-{request_id}", "object": kind, "created": int(time.time()), "model": model}

    def conversation(self, prompts: tuple[str, ...]) -> tuple[Message, ...]:
        """Everything the model will read, oldest first; `prompts` are the texts of a completion's prompts."""
        messages = [Message("user", text) for text in prompts]
        if self.route == CHAT:
            messages = [_message(item) for item in _list(self.body.get("messages"))]
        extra = "\n".join(text for name in CONTEXT for text in strings(self.body.get(name)))
        if extra:
            messages.insert(0, Message("context", extra))
        # Tool results and arguments are JSON in a string, whose escapes must hide nothing.
        return tuple(Message(message.role, readings(message.text)) for message in messages)

    def seeds(self, prompts: tuple[str, ...]) -> tuple[str, ...]:
        """Text each prompt's answer continues: it counts for matching although the client sent it."""
        if self.route != CHAT:
            return tuple("" for _ in prompts) if self.body.get("echo") else prompts
        messages = _list(self.body.get("messages"))
        last = messages[-1] if messages and isinstance(messages[-1], dict) else {}
        return (_message(last).text if last.get("role") == "assistant" else "",)


def parse(route: str, raw: bytes) -> GenerationRequest:
    """The request in `raw`, or RequestRefused when it is no JSON object or would disarm the policy."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedBody("The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise MalformedBody("The request body must be a JSON object.")
    refuse_disarming(route, body)
    dialect = DIALECTS.get(route)
    if dialect is None:
        request = GenerationRequest(route, body, body)
        # Raises for a prompt that nobody could read.
        _ = request.prompts
        return request
    chat = dialect.to_chat(body)
    refuse_disarming(CHAT, chat)
    return GenerationRequest(CHAT, chat, body)


class MalformedBody(RequestRefused):
    """The body is not a JSON object."""

    code = "malformed_body"


def strings(value: object) -> Iterator[str]:
    """Every string inside a JSON value, in document order, except structural members (no recursion limit).

    The names that a schema gives to properties are strings too: the model reads them as it reads the rest.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            # A property may have one of these names, and hold more than a word.
            stack.extend(
                item[key] for key in reversed(item) if key not in STRUCTURAL or not isinstance(item[key], str)
            )
            named = (item[key] for key in NAMED if isinstance(item.get(key), Mapping))
            stack.extend(name for properties in named for name in properties)
        elif isinstance(item, list):
            stack.extend(reversed(item))


def _message(item: object) -> Message:
    role = item.get("role") if isinstance(item, dict) else None
    return Message(role if isinstance(role, str) else "user", "\n".join(strings(item)))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
