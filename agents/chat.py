"""The one seam to a model: a chat endpoint that is asked for completions and says what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from guard.text.conversation import Message


class Usage(NamedTuple):
    """Tokens read and written, as the endpoint counted them."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Completion:
    """One text of a model, and why it ended: `stop`, or `length` when it was cut off."""

    text: str = field(repr=False)
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class Completions:
    """What one call brought: one or more texts and the tokens of all of them together."""

    choices: tuple[Completion, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON schema that a reply must follow, under a name."""

    name: str
    body: Mapping[str, object]


class ChatFailed(Exception):
    """The endpoint gave no usable answer: unreachable, an error status, or not a chat completion.

    The message names the kind of failure only, never text of the endpoint.
    """


class Chat(Protocol):
    """A chat model behind some endpoint."""

    @property
    def second_provider(self) -> bool:
        """Whether what is sent leaves for another party than the one that serves the guarded engine."""
        ...

    async def complete(
        self, messages: Sequence[Message], n: int, schema: Schema | None, max_tokens: int, temperature: float
    ) -> Completions:
        """Return up to `n` completions of at most `max_tokens` tokens each; ChatFailed when there are none.

        Cancelling the call gives up the work at the endpoint.
        """
        ...
