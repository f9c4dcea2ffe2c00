"""Asks the data plane, in this process, what a client would be answered."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from guard.errors import EngineUnavailable
from serving.desk.context import Ask
from serving.http.asgi import App, Receive, Scope, Send
from serving.http.asgi_client import request

MAX_TOKENS = 256
"""Length of an answer that the desk shows, in tokens."""


def guarded_answers(data: App, key: SecretStr | None) -> Ask:
    """Return what asks the data plane as a client with `key` does; without one where the plane asks for none."""

    async def with_key(scope: Scope, receive: Receive, send: Send) -> None:
        bearer = [(b"authorization", b"Bearer " + key.get_secret_value().encode())] if key else []
        await data({**scope, "headers": [*scope["headers"], *bearer]}, receive, send)

    async def ask(prompt: str) -> str:
        body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": MAX_TOKENS}
        response = await request(with_key, "POST", "/v1/chat/completions", body)
        found: Any = response.json()
        if response.status != 200:
            raise EngineUnavailable(f"the data plane answered {response.status}: {_code(found)}")
        return str(found["choices"][0]["message"]["content"] or "")

    return ask


def _code(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("code") or error.get("type")) if isinstance(error, dict) else "no reason"
