"""Lets the engine judge a request that it is not to answer: it refuses a declined one as it would any other.

A declined row may only end, which a grammar would refuse and `min_tokens` delay, so it is answered without them. A
bad schema would then be a 400 in every conversation but those that are declined.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from guard.policy.plan import Plan
from serving.http.asgi import App, Message, Receive, Scope, Send, replay
from serving.http.asgi_client import Response, json_scope
from serving.http.sse import Splitter, is_stream
from serving.protocol.engine_body import ALTERED, trial_body
from serving.protocol.errors import is_row_failure, status_of
from serving.protocol.request import GenerationRequest


class TrialFirst:
    """An ASGI application: the engine's refusal of the client's own request, or else the answer of `app`."""

    def __init__(self, engine: App, request: GenerationRequest, plan: Plan, app: App) -> None:
        self._engine = engine
        self._request = request
        self._plan = plan
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        trial = await _try(self._engine, self._request, self._plan)
        if trial.refused is None:
            await self._app(scope, receive, send)
        elif self._request.stream:
            for message in trial.messages:
                await send(message)
        else:
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": trial.refused.status, "headers": headers})
            await send({"type": "http.response.body", "body": trial.refused.body, "more_body": False})


def is_altered(request: GenerationRequest) -> bool:
    """Return whether a declined `request` reaches the engine without a member that it could refuse."""
    return any(name in request.body for name in ALTERED)


async def refusal(engine: App, request: GenerationRequest, plan: Plan) -> Response | None:
    """Return how the engine refuses `request`, or None if it begins to answer; it then stops at once."""
    return (await _try(engine, request, plan)).refused


@dataclass(slots=True)
class _Trial:
    """What the engine sent until it began to answer.

    It refuses a stream with a status, or in its first event when it has come as far as its grammar.
    """

    messages: list[Message] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    refused: Response | None = None
    splitter: Splitter = field(default_factory=Splitter)

    async def disconnect(self) -> Message:
        await self.began.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.began.is_set():
            return
        self.messages.append(message)
        if message["type"] == "http.response.start" or self.refused is not None:
            return
        if is_stream(self.messages[0]):
            for payload in self.splitter.feed(message.get("body", b"")):
                return self._first(payload)
        elif not message.get("more_body", False):
            status = int(self.messages[0]["status"])
            body = b"".join(part.get("body", b"") for part in self.messages[1:])
            self.refused = Response(status, body) if status != 200 else None

    def _first(self, payload: bytes) -> None:
        if payload.startswith(b'{"error"') and not is_row_failure(payload):
            self.refused = Response(status_of(payload), payload)
        else:
            self.began.set()


async def _try(engine: App, request: GenerationRequest, plan: Plan) -> _Trial:
    trial, raw = _Trial(), trial_body(request, plan)
    await engine(json_scope(request.route, len(raw)), replay(raw, trial.disconnect), trial.send)
    return trial
