"""A parsed generation request: its route, its body, and every text that the model will read."""

from __future__ import annotations

import time
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from guard.errors import RequestRefused
from guard.text.conversation import Message, message
from serving.http.asgi import Receive, Scope, is_json
from serving.http.decompression import read_decompressed
from serving.protocol.dialects.dialect import HostedTools
from serving.protocol.dialects.table import DIALECTS
from serving.protocol.errors import NotJson
from serving.protocol.fields import FIELD_RULES, Decision, Unknown, read_fields
from serving.protocol.prompts import Prompts, read_prompts
from serving.protocol.refused_fields import CHAT
from serving.protocol.texts import (
    ids_of_message,
    others_of_message,
    said_last,
    texts_of,
    texts_of_message,
    words_of_message,
)

DOCUMENTS = "documents"
CHAT_CHUNK = "chat.completion.chunk"
# Fields that the detector reads besides messages and prompts.
CONTEXT = tuple(
    dict.fromkeys(
        rule.name
        for rule in FIELD_RULES
        if rule.decision is Decision.READ and rule.name not in ("messages", "prompt", DOCUMENTS)
    )
)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A parsed request: fields of the table alone, each of its type.

    `route` and `body` are for the engine, and all that the detector reads; `original` is the body that the client
    sent, maybe in another dialect.
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
    def max_tokens(self) -> int | None:
        """The client's limit of tokens, None if it has none."""
        limits = (self.body.get(name) for name in ("max_completion_tokens", "max_tokens"))
        limit: int | None = next((limit for limit in limits if limit is not None), None)
        return limit

    @property
    def held_chars(self) -> int:
        """How many characters an engine holds back up to the end, as it looks out for stop strings."""
        if self.body.get("include_stop_str_in_output"):
            return 0
        stop = self.body.get("stop") or ()
        strings = [stop] if isinstance(stop, str) else stop
        return max([0, *(len(one) - 1 for one in strings)])

    @property
    def alternatives(self) -> int | None:
        """How many alternatives the client asked for with each log-probability; None without log-probabilities."""
        if not self.logprobs:
            return None
        count: int = self.body.get("top_logprobs") or 0 if self.route == CHAT else self.body["logprobs"]
        return count

    @property
    def choices_per_prompt(self) -> int:
        """The value of `n`; 1 if the engine will refuse it."""
        n: int = self.body.get("n", 1)
        return max(1, n)

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
        """Return all that the model will read, oldest first; `prompts` are the texts of a completion's prompts.

        What no reader takes for the words of a turn or document, such as other members and keys, is context.
        """
        messages = [Message("prompt", text) for text in prompts]
        turns = self.body.get("messages", []) if self.route == CHAT else []
        for turn in turns:
            messages += _messages(turn)
        # Ids last, so that more of them leave what was read before as it was.
        extra = [text for name in CONTEXT for text in texts_of(self.body.get(name))]
        extra += dict.fromkeys(text for turn in turns for text in ids_of_message(turn))
        documents = self.body.get(DOCUMENTS) or ()
        extra += [key for document in documents for key in texts_of(dict.fromkeys(document))]
        if extra:
            messages.insert(0, Message("context", "\n".join(extra)))
        values = "\n".join(value for document in documents for value in document.values())
        if values:
            messages.insert(0, Message("document", values))
        return tuple(message(one.role, one.text) for one in messages)

    def turns(self, prompts: tuple[str, ...]) -> tuple[Message, ...]:
        """Return the turns of the conversation by their words alone: a client may send a turn again with another
        mark of its cache, or another address of a picture."""
        turns = self.body.get("messages", []) if self.route == CHAT else []
        said = (Message(turn["role"], words_of_message(turn)) for turn in turns)
        return (*(Message("user", text) for text in prompts), *said)

    def seeds(self, prompts: tuple[str, ...]) -> tuple[str, ...]:
        """Return the text that each answer continues: a phrase may begin in it and end in the answer."""
        if self.route != CHAT:
            return tuple("" for _ in prompts) if self.body.get("echo") else prompts
        last = (self.body.get("messages") or [{}])[-1]
        continues = last.get("role") == "assistant" or self.body.get("continue_final_message")
        return (said_last(last) if continues else "",)


async def read_json(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return a request's body, decompressed up to `limit` bytes; NotJson if it is not said to be JSON."""
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if not is_json(content_type.decode("latin-1")):
        raise NotJson("The body must be application/json.", field="Content-Type")
    # Tools on Windows begin a file with a byte order mark.
    return (await read_decompressed(scope, receive, limit)).removeprefix(BOM_UTF8)


def parse(
    route: str, raw: bytes, unknown: Unknown = "drop", hosted_tools: HostedTools = "skip"
) -> GenerationRequest:
    """Return the request in `raw`, by the table of fields.

    `unknown` says what becomes of fields that the table lacks, `hosted_tools` of tools that are no functions.

    Raises RequestRefused for a refused field, for a value that is not of its field's type, and for a prompt that
    the detector could not read; MalformedBody if it is not a JSON object, or is nested too deeply to be written
    again.
    """
    return read_request(route, read_object(raw), unknown, hosted_tools)


def read_request(
    route: str, body: dict[str, Any], unknown: Unknown = "drop", hosted_tools: HostedTools = "skip"
) -> GenerationRequest:
    """Return the request in a body that has been parsed; see `parse`."""
    read = read_fields(route, body, unknown)
    dialect = DIALECTS.get(route)
    if dialect is not None:
        return GenerationRequest(CHAT, read_fields(CHAT, dialect.to_chat(read, hosted_tools)), body)
    request = GenerationRequest(route, read, body)
    # Raises UnreadablePrompt.
    _ = request.prompts
    return request


def read_object(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in `raw`; MalformedBody if there is none, or it is nested too deeply."""
    try:
        body = orjson.loads(raw)
        # What orjson reads it may not write: 255 levels go one way, 1,023 the other.
        orjson.dumps([[[body]]])
    except orjson.JSONDecodeError:
        raise MalformedBody("The request body is not valid JSON.") from None
    except orjson.JSONEncodeError:
        raise MalformedBody("The request body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise MalformedBody("The request body must be a JSON object.")
    return body


class MalformedBody(RequestRefused):
    """The body is not a JSON object that can be read and written again."""

    code = "malformed_body"


def _messages(turn: Mapping[str, Any]) -> Iterator[Message]:
    """Yield a turn of the assistant's; of any other, whose words may be repeated, these and the rest apart."""
    if turn["role"] == "assistant":
        yield Message(turn["role"], "\n".join(texts_of_message(turn)))
        return
    yield Message(turn["role"], words_of_message(turn))
    if rest := "\n".join(others_of_message(turn)):
        yield Message("context", rest)
