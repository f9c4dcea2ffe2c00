"""Authentication and request limits of the admin plane, checked before any route reads a request."""

from __future__ import annotations

import logging
import traceback

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guard.errors import RequestRefused
from serving.admin.problems import problem
from serving.http.asgi import BodyTooLarge, ClientGone, is_json, replay
from serving.http.decompression import read_decompressed
from serving.keys import bearer_keys, key_matches

OPEN_PATHS = frozenset({"/openapi.json", "/livez", "/readyz"})

_log = logging.getLogger("lethe")


class Authentication:
    """ASGI middleware: a request needs the key, a body of limited size, and JSON if there is a body.

    An unhandled error becomes a 500 response and a log line with its type and place, never its message.
    """

    def __init__(self, app: ASGIApp, key: SecretStr, max_body_bytes: int) -> None:
        self._app = app
        self._key = key
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        if scope["path"] not in OPEN_PATHS and not self._bears_key(scope):
            challenge = {"WWW-Authenticate": 'Bearer realm="lethe admin"'}
            refusal = problem(401, "invalid_admin_key", "the admin key is missing or wrong", headers=challenge)
            return await refusal(scope, receive, send)
        try:
            body = await read_decompressed(scope, receive, self._max_body_bytes)
        except BodyTooLarge:
            refusal = problem(413, "body_too_large", f"the body exceeds {self._max_body_bytes} bytes")
            return await refusal(scope, receive, send)
        except RequestRefused as error:
            refusal = problem(error.status, error.code, error.message)
            return await refusal(scope, receive, send)
        except ClientGone:
            return None
        if body and not is_json(headers.get("content-type", "")):
            refusal = problem(415, "unsupported_media_type", "the body must be application/json")
            return await refusal(scope, receive, send)
        await self._run_app(scope, replay(body, receive), send)

    def _bears_key(self, scope: Scope) -> bool:
        return any(key_matches(key, [self._key]) for key in bearer_keys(scope["headers"]))

    async def _run_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_started(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_started)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("admin plane: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            if not started:
                answer = problem(500, "internal_error", "a fault of this server; its log says where")
                await answer(scope, receive, send)
