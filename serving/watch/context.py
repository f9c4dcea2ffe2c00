"""One generation request in progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from guard.decoding.backtracking import AbortToken
from serving.http.asgi import App, Headers, Receive, Send
from serving.protocol.request import GenerationRequest


class Client(NamedTuple):
    """The connection to the client: what it sends, and how it is sent to."""

    receive: Receive
    send: Send


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One generation request in progress: its prompts, the text that each answer continues, the response headers.

    engine       the engine that answers it
    abort_token  what backtracking needs of the engine's tokenizer; None if it cannot backtrack
    """

    request: GenerationRequest
    prompts: tuple[str, ...]
    seeds: tuple[str, ...]
    headers: Headers
    engine: App
    abort_token: AbortToken | None

    @property
    def id(self) -> str:
        """The request's id, which the headers hold."""
        return self.headers[0][1].decode()
