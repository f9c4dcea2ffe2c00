"""Lets the engine judge a request that it is not to answer: it refuses a declined one as it would any other.

A declined row may only end, which a grammar would refuse and `min_tokens` delay, so it is answered without them. A
bad schema would then be a 400 in every conversation but those that are declined.
"""

from __future__ import annotations

import asyncio

from guard.policy.plan import Plan
from serving.http.asgi import App, Message, Receive, Scope, Send, replay
from serving.http.asgi_client import Response, json_scope
from serving.planner import ALTERED, trial_body
from serving.protocol.request import GenerationRequest


class TrialFirst:
    """An ASGI application: the engine's refusal of the client's own request, or else the answer of the engine."""

    def __init__(self, engine: App, request: GenerationRequest, plan: Plan) -> None:
        self._engine = engine
        self._request = request
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = await refusal(self._engine, self._request, self._plan)
        if refused is None:
            return await self._engine(scope, receive, send)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": refused.body, "more_body": False})


def is_altered(request: GenerationRequest) -> bool:
    """Return whether a declined `request` reaches the engine without a member that it could refuse."""
    return any(name in request.body for name in ALTERED)


async def refusal(engine: App, request: GenerationRequest, plan: Plan) -> Response | None:
    """Return how the engine refuses `request`, or None if it begins to answer; it then stops at once."""
    raw = trial_body(request, plan)
    began = asyncio.Event()
    status, parts = 0, []

    async def disconnect() -> Message:
        await began.wait()
        return {"type": "http.disconnect"}

    async def take(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif status == 200:
            began.set()
        else:
            parts.append(message.get("body", b""))

    scope = json_scope(request.route, len(raw))
    await engine(scope, replay(raw, disconnect), take)
    return None if status == 200 else Response(status, b"".join(parts))
