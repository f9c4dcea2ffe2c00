"""A dialect: a second wire over chat completions, mapped at the edge to chat and back.

The planner, the engine and the output guard handle only chat, so a dialect is guarded exactly as chat is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import orjson

from guard.errors import RequestRefused
from serving.protocol.errors import ErrorResponse


class Unmappable(RequestRefused):
    """A value of another wire that chat completions have no word for; `field` names the member."""

    code = "invalid_value"


class Event(NamedTuple):
    """One server-sent event: its name, and the JSON it carries."""

    name: str
    data: dict[str, Any]

    def frame(self) -> bytes:
        """The event as it goes over the wire."""
        return b"event: " + self.name.encode() + b"\ndata: " + orjson.dumps(self.data) + b"\n\n"


class Telling(Protocol):
    """One answer on its way from chat's wire; the whole answer is a stream of one chunk."""

    def chunk(self, chunk: dict[str, Any]) -> list[Event]:
        """The events of one chunk of chat's."""

    def end(self) -> list[Event]:
        """The events that end the answer; further calls give none."""

    def broken(self, error: ErrorResponse) -> list[Event]:
        """The events of an answer that failed in the middle."""

    def whole(self) -> dict[str, Any]:
        """The answer so far as one object."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire, by what it takes to map it.

    to_chat  chat's body for a body of this wire; raises Unmappable when there is none
    telling  the answer to a body of this wire, under a request id
    failure  an error of ours (OpenAI's envelope, chat's members) as this wire puts it, under a request id
    """

    to_chat: Callable[[dict[str, Any]], dict[str, Any]]
    telling: Callable[[dict[str, Any], str], Telling]
    failure: Callable[[ErrorResponse, str], ErrorResponse]


def text_of(value: object, field: str) -> str:
    """`value` if it is a string; Unmappable, naming `field`, if not."""
    if isinstance(value, str):
        return value
    raise Unmappable(f"The field '{field}' holds something that is not text.", field=field)


def object_of(value: object, field: str) -> dict[str, Any]:
    """`value` if it is a JSON object; Unmappable, naming `field`, if not."""
    if isinstance(value, dict):
        return value
    raise Unmappable(f"The field '{field}' holds something that is not an object.", field=field)


def list_of(value: object, field: str) -> list[Any]:
    """`value` if it is a list, nothing for null; Unmappable, naming `field`, if neither."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise Unmappable(f"The field '{field}' is not a list.", field=field)
