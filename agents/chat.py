"""The interface to a model: a chat endpoint that returns completions and their token usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from guard.text.conversation import Message


class Usage(NamedTuple):
    """Prompt and completion tokens, as the endpoint counted them."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Completion:
    """One generated text and its finish reason: `stop`, or `length` if it was truncated."""

    text: str = field(repr=False)
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Completions:
    """The completions of one call, and their usage together."""

    choices: tuple[Completion, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Schema:
    """A named JSON schema that a reply must follow."""

    name: str
    body: Mapping[str, object]


class ChatFailed(Exception):
    """The endpoint gave no usable answer: it is unreachable, or sent an error or something else.

    The message names the kind of failure only, never text from the endpoint.
    """


class Chat(Protocol):
    """A chat model at some endpoint."""

    @property
    def second_provider(self) -> bool:
        """Whether the endpoint belongs to another party than the one that runs the guarded engine."""
        ...

    async def complete(
        self, messages: Sequence[Message], n: int, schema: Schema | None, max_tokens: int, temperature: float
    ) -> Completions:
        """Return up to `n` completions of at most `max_tokens` tokens each; ChatFailed if there are none.

        Cancelling aborts the generation at the endpoint.
        """
        ...
