"""A dialect: another API, translated to chat completions at the edge and back.

The planner, the engine and the output guard handle only chat, so a dialect is guarded exactly as chat is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import orjson

from guard.errors import RequestRefused
from serving.protocol.errors import ErrorResponse
from serving.protocol.texts import is_bytes

# What becomes of tools that a server would have to run, and of others that are no functions.
HostedTools = Literal["skip", "refuse"]
# Members of a block or an item that say nothing to a reader.
_UNREADABLE = frozenset(
    {
        *("type", "id", "status", "call_id", "tool_use_id", "signature", "cache_control", "file_id", "caller"),
        *("encrypted_content", "encrypted_index", "citations"),
    }
)


class Unmappable(RequestRefused):
    """A value of another API that chat completions cannot express; `field` names the member."""

    code = "invalid_value"


class Event(NamedTuple):
    """One server-sent event: its name, and the JSON it carries."""

    name: str
    data: dict[str, Any]

    def frame(self) -> bytes:
        """Return the event as it is sent."""
        return b"event: " + self.name.encode() + b"\ndata: " + orjson.dumps(self.data) + b"\n\n"


class AnswerTranslator(Protocol):
    """Translates one chat answer; an answer that is not streamed comes as a stream of one chunk."""

    def chunk(self, chunk: dict[str, Any]) -> list[Event]:
        """Return the events for one chat chunk."""

    def end(self) -> list[Event]:
        """Return the events that end the answer; none if it has already ended."""

    def fail(self, error: ErrorResponse) -> list[Event]:
        """Return the events that end an answer that failed midway."""

    def body(self) -> dict[str, Any]:
        """Return the answer so far as one response body."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The functions that translate one API.

    to_chat     returns the chat body for a body of this API; raises Unmappable if there is none
    translator  returns what translates the answer to a body of this API, given the request id
    failure     returns our error response in this API's shape, given it in OpenAI's and the request id
    """

    to_chat: Callable[[dict[str, Any], HostedTools], dict[str, Any]]
    translator: Callable[[dict[str, Any], str], AnswerTranslator]
    failure: Callable[[ErrorResponse, str], ErrorResponse]


def text_of(value: object, field: str) -> str:
    """Return `value` if it is a string; else raise Unmappable naming `field`."""
    if isinstance(value, str):
        return value
    raise Unmappable(f"The field '{field}' holds something that is not text.", field=field)


def object_of(value: object, field: str) -> dict[str, Any]:
    """Return `value` if it is a JSON object; else raise Unmappable naming `field`."""
    if isinstance(value, dict):
        return value
    raise Unmappable(f"The field '{field}' holds something that is not an object.", field=field)


def list_of(value: object, field: str) -> list[Any]:
    """Return `value` if it is a list, [] if it is None; else raise Unmappable naming `field`."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise Unmappable(f"The field '{field}' is not a list.", field=field)


def text_part(text: str) -> dict[str, Any]:
    """Return a chat part of text."""
    return {"type": "text", "text": text}


def joined(parts: list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """Return a chat message's content for `parts`: one text if all of them are text."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def readable(value: object) -> str:
    """Return the strings of what a tool of another server's did, a line each, without bytes and ciphertexts."""
    lines: list[str] = []
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str) and not is_bytes(item):
            lines.append(item)
        elif isinstance(item, dict) and item.get("type") != "base64":
            stack += [item[name] for name in reversed(item) if name not in _UNREADABLE]
        elif isinstance(item, list):
            stack += reversed(item)
    return "\n".join(lines)
