"""Authentication and request limits of the admin plane, checked before any route reads a request."""

from __future__ import annotations

import logging
import traceback
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import Headers, QueryParams
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guard.errors import LetheError
from guard.targets.audit_log import acting_as
from serving.access.access import Access
from serving.access.rights import Caller, Right
from serving.access.table import ADMIN, OPEN, right_for
from serving.admin.problems import problem
from serving.http.asgi import BodyTooLarge, ClientGone, is_json, replay
from serving.http.decompression import read_decompressed

OPEN_PATHS = frozenset(route.partition(" ")[2] for route, right in ADMIN.items() if right is OPEN)
_MASKED = frozenset({"false", "0", "no", "off", "n", "f"})
"""Values of `reveal` that ask for no texts, in small letters."""

_log = logging.getLogger("lethe")


class Authentication:
    """ASGI middleware: a request needs credentials with the right that its route takes (serving.access.table), a
    body of limited size, and JSON if there is a body.

    `scope["caller"]` is who makes it, and the audit trail names them. An unhandled error becomes a 500 response
    and a log line with its type and place, never its message.
    """

    def __init__(self, app: ASGIApp, access: Access, max_body_bytes: int) -> None:
        self._app = app
        self._access = access
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        caller = scope["caller"] = await self._access.caller(scope["headers"])
        if scope["path"] not in OPEN_PATHS and caller is None:
            challenge = {"WWW-Authenticate": 'Bearer realm="lethe admin"'}
            refusal = problem(401, "invalid_admin_key", "the admin key is missing or wrong", headers=challenge)
            return await refusal(scope, receive, send)
        try:
            _require_right(scope, caller)
            body = await read_decompressed(scope, receive, self._max_body_bytes)
        except BodyTooLarge:
            refusal = problem(413, "body_too_large", f"the body exceeds {self._max_body_bytes} bytes")
            return await refusal(scope, receive, send)
        except LetheError as error:
            refusal = problem(error.status, error.code, error.message)
            return await refusal(scope, receive, send)
        except ClientGone:
            return None
        if body and not is_json(headers.get("content-type", "")):
            refusal = problem(415, "unsupported_media_type", "the body must be application/json")
            return await refusal(scope, receive, send)
        with acting_as(caller.actor if caller else ""):
            await self._run_app(scope, replay(body, receive), send)

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


def _require_right(scope: Scope, caller: Caller | None) -> None:
    """Raise NotAllowed unless the caller has the right that the route takes; a path without a route takes none."""
    route = _route_of(scope)
    if route is None:
        return
    right = right_for(scope["method"], route)
    if right is OPEN:
        return
    assert caller is not None
    caller.require(right)
    asked = QueryParams(scope["query_string"]).getlist("reveal")
    if any(value.lower() not in _MASKED for value in asked):
        caller.require(Right.REVEAL)


def _route_of(scope: Scope) -> str | None:
    """Return the path of the route that answers a request, with the names of its parameters."""
    routes: list[BaseRoute] = scope["app"].routes
    found = (route for route in routes if route.matches(scope)[0] is Match.FULL)
    return next((str(getattr(route, "path", "")) for route in found), None)


def _caller_of(request: Request) -> Caller:
    caller: Caller = request.scope["caller"]
    return caller


CallerOf = Annotated[Caller, Depends(_caller_of)]
"""The caller of a request, as a parameter of a route."""
