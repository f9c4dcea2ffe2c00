"""Signing in with a key of the admin plane, and out."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.desk.context import desk_of, form_of
from serving.desk.gate import COOKIE, SIGN_IN, SIGN_IN_COOKIE, is_secure, own_place
from serving.desk.rendering import HOME, render
from serving.desk.sessions import FAILURES_S


async def sign_in(request: Request) -> Response:
    """Show the form, with its token in a cookie."""
    token = request.cookies.get(SIGN_IN_COOKIE) or secrets.token_urlsafe(32)
    response = render(request, "sign_in", token=token, next=own_place(request.query_params.get("next")), fault="")
    _set_cookie(request, response, SIGN_IN_COOKIE, token)
    return response


async def begin(request: Request) -> Response:
    """Begin a session if the key is right. It has a new name, so that nobody can have planted it."""
    desk = desk_of(request)
    form = form_of(request)
    after = own_place(form.get("next"))
    address = request.client.host if request.client else ""
    if desk.limit.refuses(address):
        response = _again(request, after, 429, "too_many")
        response.headers["retry-after"] = str(int(FAILURES_S))
        return response
    caller = await desk.access.holder(str(form.get("key", "")).strip())
    if caller is None:
        desk.limit.count_failure(address)
        return _again(request, after, 401, "wrong_key")
    desk.sessions.end(request.cookies.get(COOKIE, ""))
    response = RedirectResponse(after, 303)
    _set_cookie(request, response, COOKIE, desk.sessions.begin(caller))
    response.delete_cookie(SIGN_IN_COOKIE, path=HOME)
    return response


async def sign_out(request: Request) -> Response:
    """End the session."""
    desk_of(request).sessions.end(request.cookies.get(COOKIE, ""))
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, path=HOME)
    return response


def _again(request: Request, after: str, status: int, fault: str) -> Response:
    token = form_of(request)["csrf"]
    return render(request, "sign_in", status, token=token, next=after, fault=fault)


def _set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, path=HOME, secure=is_secure(request), httponly=True, samesite="strict")
