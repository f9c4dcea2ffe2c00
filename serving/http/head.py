"""HEAD requests, which probes and monitors send, answered as GET without a body."""

from __future__ import annotations

from serving.http.asgi import App, Message, Receive, Scope, Send


class HeadAsGet:
    """An ASGI application that answers HEAD with status and headers of what `app` answers to GET (RFC 9110)."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, send_without_body)
