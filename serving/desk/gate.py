"""The gate of the desk: every request needs a session, every form its token, and every response strict headers."""

from __future__ import annotations

import hmac
import logging
import re
import traceback
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match

from guard.errors import LetheError
from guard.targets.audit_log import acting_as
from serving.access.access import Access
from serving.access.table import OPEN, right_for
from serving.desk.rendering import HOME, render
from serving.desk.sessions import Session, Sessions
from serving.http.asgi import App, BodyTooLarge, ClientGone, Message, Receive, Scope, Send, read_body, replay

SIGN_IN = f"{HOME}/sign-in"
PROVIDER, CALLBACK = f"{SIGN_IN}/provider", f"{SIGN_IN}/callback"
STATIC = f"{HOME}/static"
COOKIE = "lethe_desk"
SIGN_IN_COOKIE = "lethe_desk_form"
"""Holds the token of the sign-in form, which is filled in before there is a session."""
MAX_FIELDS = 20_000
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # Not no-referrer, with which browsers send forms as if from nowhere.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_OWN_PLACE = re.compile(rf"{HOME}(/[\w-]+)*(\?[\w.=&%+*~-]*)?", re.ASCII)

_log = logging.getLogger("lethe")


class Gate:
    """ASGI middleware: every page and form takes the right that the table of routes names (serving.access.table).

    `scope["session"]` is the session, None before sign-in; `scope["form"]` the form of a POST. An unhandled error
    becomes a log line with its type and place, never its message.
    """

    def __init__(
        self, app: App, routes: Sequence[BaseRoute], access: Access, sessions: Sessions, max_body_bytes: int
    ) -> None:
        self._app = app
        self._routes = routes
        self._access = access
        self._sessions = sessions
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        send = _with_headers(send, stored=scope["path"].startswith(f"{STATIC}/"))
        try:
            refusal = None if scope["path"].startswith(f"{STATIC}/") else await self._refusal(request)
            session: Session | None = scope.get("session")
            with acting_as(session.caller.actor if session else ""):
                await (refusal or self._app)(scope, receive, send)
        except ClientGone:
            return
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("desk: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
        finally:
            if form := scope.get("form"):
                await form.close()

    async def _refusal(self, request: Request) -> Response | None:
        # What a page asks for by itself keeps nobody signed in.
        polled = is_polled(request)
        session = self._session(request.cookies.get(COOKIE, ""), use=not polled)
        request.scope["session"] = session
        if session is None and request.url.path not in (SIGN_IN, PROVIDER, CALLBACK):
            return _to_sign_in(request)
        try:
            self._require_right(request, session)
        except LetheError as error:
            return render(request, "error", error.status, code=error.code, detail=error.message)
        if request.method != "POST":
            return None
        try:
            form = request.scope["form"] = await self._form(request)
        except BodyTooLarge:
            return render(request, "error", 413, code="body_too_large", detail="")
        except MultiPartException:
            return render(request, "error", 400, code="malformed_body", detail="")
        if not _is_own(request, form.get("csrf"), session):
            return render(request, "error", 403, code="not_from_here", detail="")
        return None

    def _session(self, name: str, *, use: bool) -> Session | None:
        """Return the session of this name, unless it or the key that began it has ended."""
        session = self._sessions.find(name, use=use)
        caller = self._access.still(session.caller) if session else None
        if session is None or caller is None:
            self._sessions.end(name)
            return None
        session.caller = caller
        return session

    def _require_right(self, request: Request, session: Session | None) -> None:
        """Raise NotAllowed unless the session's caller has the right that the page takes."""
        found = (route for route in self._routes if route.matches(request.scope)[0] is Match.FULL)
        path = next((str(getattr(route, "path", "")) for route in found), None)
        right = OPEN if path is None else right_for(request.method, path)
        if right is not OPEN:
            assert session is not None
            session.caller.require(right)

    async def _form(self, request: Request) -> Any:
        body = await read_body(request.receive, self._max_body_bytes)
        whole = Request(request.scope, replay(body, request.receive))
        return await whole.form(max_fields=MAX_FIELDS, max_part_size=self._max_body_bytes)


def is_polled(request: Request) -> bool:
    """Return whether a page asks by itself for a part of it that changes."""
    return request.method == "GET" and "hx-request" in request.headers


def is_secure(request: Request) -> bool:
    """Return whether the browser speaks https, to this server or to a proxy before it."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").lower())


def own_place(place: object) -> str:
    """Return `place` if it is a page of the desk, else its first page: a form leads nowhere else."""
    return place if isinstance(place, str) and _OWN_PLACE.fullmatch(place) else HOME


def _is_own(request: Request, token: object, session: Session | None) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    expected = session.csrf if session else request.cookies.get(SIGN_IN_COOKIE, "")
    return bool(expected) and isinstance(token, str) and hmac.compare_digest(token.encode(), expected.encode())


def _to_sign_in(request: Request) -> Response:
    # A form is not sent again: its texts would stand in an address.
    asked = request.url.path if request.method == "GET" and not is_polled(request) else HOME
    query = f"?{request.url.query}" if request.url.query and asked != HOME else ""
    place = SIGN_IN if asked == HOME else f"{SIGN_IN}?next={quote(asked + query, safe='')}"
    if is_polled(request):
        return Response(status_code=401, headers={"HX-Redirect": place})
    return RedirectResponse(place, 303)


def _with_headers(send: Send, stored: bool) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers["cache-control"] = "max-age=86400" if stored else "no-store"
        await send(message)

    return send_guarded
