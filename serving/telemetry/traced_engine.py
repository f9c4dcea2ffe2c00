"""The engine, each call of which is a span, and a part of the request's trace in the engine itself."""

from __future__ import annotations

from serving.http.asgi import App, Message, Receive, Scope, Send
from serving.telemetry.tracing import TRACEPARENT, note_status, span, trace_headers


def traced(engine: App) -> App:
    """Return `engine`, its calls being spans of the request in progress where there is a tracer.

    An engine that reads W3C `traceparent`, as vLLM does, adds spans of its own.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                note_status(message["status"])
            await send(message)

        with span(f"engine {scope['path']}", calls=True):
            if added := trace_headers():
                kept = [header for header in scope["headers"] if header[0] != TRACEPARENT]
                scope = {**scope, "headers": [*kept, *added]}
                return await engine(scope, receive, send_noting)
            return await engine(scope, receive, send)

    return call
