"""The guardrail's one route beside the admin plane, for gateways that bear a key of its own."""

from __future__ import annotations

from collections.abc import Callable

from agents.audit import Audit
from agents.litellm import ROUTE, guardrail_app
from serving.asgi import App, BodyTooLarge, ClientGone, Receive, Scope, Send, read_body, replay, respond


class Guardrail:
    """`admin`, and the guardrail under `audit` for who sends `key` as `x-api-key`.

    It stands on the admin plane's port because it tells, text by text, whether a forget target is touched.
    """

    def __init__(self, admin: App, audit: Callable[[], Audit], key: str, max_body_bytes: int) -> None:
        self._admin = admin
        self._app: App = guardrail_app(audit, key)
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != ROUTE:
            return await self._admin(scope, receive, send)
        try:
            body = await read_body(receive, self._max_body_bytes)
        except BodyTooLarge:
            return await respond(send, 413, {"error": "the body is too large"})
        except ClientGone:
            return None
        await self._app(scope, replay(body, receive), send)
