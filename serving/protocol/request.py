"""A parsed generation request: its route, its body, and every text that the model will read."""

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
from serving.protocol.refused_fields import CHAT, refuse_fields

# Members of a message or tool that hold structure, not content.
STRUCTURAL = frozenset({"role", "type", "id", "tool_call_id"})
# Members of a JSON schema whose keys are names that the client chose.
NAMED = ("properties", "patternProperties", "$defs", "definitions")
CHAT_CHUNK = "chat.completion.chunk"
# Further members of a body whose strings the model reads or must generate.
CONTEXT = ("tools", "functions", "documents", "response_format", "structured_outputs", "suffix")


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A parsed request without refused fields.

    `route` and `body` are for the engine; `original` is the body that the client sent, maybe in another dialect.
    """

    route: str
    body: dict[str, Any] = field(repr=False)
    original: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def stream(self) -> bool:
        """Whether the client asked for server-sent events."""
        return bool(self.body.get("stream"))

    @property
    def logprobs(self) -> bool:
        """Whether the client asked for log-probabilities. For a completion, 0 alternatives asks for them too."""
        logprobs = self.body.get("logprobs")
        return logprobs is not None and logprobs is not False

    @property
    def choices_per_prompt(self) -> int:
        """The value of `n`; 1 if the engine will refuse it."""
        n = self.body.get("n")
        return n if isinstance(n, int) and n > 0 else 1

    @property
    def prompts(self) -> Prompts:
        """The prompts of a completion; rows of token ids must be turned into text before detection."""
        return Prompts() if self.route == CHAT else read_prompts(self.body.get("prompt"))

    def blank_chunk(self, request_id: str) -> dict[str, Any]:
        """Return a chunk of this request's stream without choices."""
        kind, prefix = (CHAT_CHUNK, "chatcmpl") if self.route == CHAT else ("text_completion", "cmpl")
        model = str(self.body.get("model") or "")
        return {"id": f"{prefix}-{request_id}", "object": kind, "created": int(time.time()), "model": model}

    def conversation(self, prompts: tuple[str, ...]) -> tuple[Message, ...]:
        """Return all that the model will read, oldest first; `prompts` are the texts of a completion's prompts."""
        messages = [Message("user", text) for text in prompts]
        if self.route == CHAT:
            messages = [_message(item) for item in _list(self.body.get("messages"))]
        extra = "\n".join(text for name in CONTEXT for text in strings(self.body.get(name)))
        if extra:
            messages.insert(0, Message("context", extra))
        # Tool results and arguments are JSON in a string: its escapes must not hide a phrase.
        return tuple(Message(message.role, readings(message.text)) for message in messages)

    def seeds(self, prompts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the text that each answer continues: a phrase may begin in it and end in the answer."""
        if self.route != CHAT:
            return tuple("" for _ in prompts) if self.body.get("echo") else prompts
        messages = _list(self.body.get("messages"))
        last = messages[-1] if messages and isinstance(messages[-1], dict) else {}
        return (_message(last).text if last.get("role") == "assistant" else "",)


def parse(route: str, raw: bytes) -> GenerationRequest:
    """Return the request in `raw`; RequestRefused if it is not a JSON object or has a refused field."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedBody("The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise MalformedBody("The request body must be a JSON object.")
    refuse_fields(route, body)
    dialect = DIALECTS.get(route)
    if dialect is None:
        request = GenerationRequest(route, body, body)
        # Raises UnreadablePrompt.
        _ = request.prompts
        return request
    chat = dialect.to_chat(body)
    refuse_fields(CHAT, chat)
    return GenerationRequest(CHAT, chat, body)


class MalformedBody(RequestRefused):
    """The body is not a JSON object."""

    code = "malformed_body"


def strings(value: object) -> Iterator[str]:
    """Yield every string inside a JSON value except structural members, in document order and at any depth.

    The property names of a JSON schema are among them, since the model reads them too.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            # A property may have a structural name, but then its value is no string.
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
