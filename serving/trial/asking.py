"""Asks the data plane as a client does, and the engine itself, past the data plane and its policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import SecretStr

from guard.decoding.request_args import EngineArgs
from guard.errors import EngineUnavailable
from serving.http.asgi import App, Receive, Scope, Send
from serving.http.asgi_client import Response, request
from serving.protocol.refused_fields import CHAT

MAX_TOKENS = 256
"""Length of an answer in tokens, unless the trial says otherwise."""

Ask = Callable[[str, int], Awaitable[str]]
"""Returns the likeliest answer to a prompt, of so many tokens at most. Raises EngineUnavailable."""


def guarded_answers(data: App, key: SecretStr | None) -> Ask:
    """Return what asks the data plane as a client with `key` does; without one where the plane asks for none."""

    async def with_key(scope: Scope, receive: Receive, send: Send) -> None:
        bearer = [(b"authorization", b"Bearer " + key.get_secret_value().encode())] if key else []
        await data({**scope, "headers": [*scope["headers"], *bearer]}, receive, send)

    async def ask(prompt: str, max_tokens: int) -> str:
        return _text("data plane", await request(with_key, "POST", CHAT, _body(prompt, max_tokens)))

    return ask


def stock_answers(engine: Callable[[], App | None]) -> Ask:
    """Return what asks the engine that runs, with nothing restricted: as if no target were there."""

    async def ask(prompt: str, max_tokens: int) -> str:
        app = engine()
        if app is None:
            raise EngineUnavailable("the engine is not ready")
        xargs = EngineArgs("trial", unrestricted=True).dump()
        body = {**_body(prompt, max_tokens), "vllm_xargs": xargs}
        return _text("engine", await request(app, "POST", CHAT, body))

    return ask


def _body(prompt: str, max_tokens: int) -> dict[str, Any]:
    # The likeliest answers of both: where they differ, the policy made them.
    messages = [{"role": "user", "content": prompt}]
    return {"messages": messages, "max_tokens": max_tokens, "temperature": 0}


def _text(who: str, response: Response) -> str:
    found: Any = response.json()
    if response.status != 200:
        raise EngineUnavailable(f"the {who} answered {response.status}: {_code(found)}")
    return str(found["choices"][0]["message"]["content"] or "")


def _code(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("code") or error.get("type")) if isinstance(error, dict) else "no reason"
