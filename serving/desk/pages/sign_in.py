"""Signing in with a key of the admin plane or at an identity provider, and out."""

from __future__ import annotations

import secrets
from urllib.parse import quote

from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.access.code_flow import SIGN_IN_S, CodeFlow, SignInRefused
from serving.access.rights import Caller
from serving.desk.context import desk_of, form_of, session_of
from serving.desk.gate import COOKIE, PROVIDER, SIGN_IN, SIGN_IN_COOKIE, is_secure, own_place
from serving.desk.rendering import HOME, render
from serving.desk.sessions import FAILURES_S

FLOW_COOKIE = "lethe_desk_flow"
"""Binds a sign-in at the provider to the browser that has begun it. Sent along when the provider sends it back."""


async def sign_in(request: Request) -> Response:
    """Show the form, with its token in a cookie."""
    return _form(request, own_place(request.query_params.get("next")))


async def begin(request: Request) -> Response:
    """Begin a session if the key is right. It has a new name, so that nobody can have planted it."""
    desk = desk_of(request)
    form = form_of(request)
    after = own_place(form.get("next"))
    address = request.client.host if request.client else ""
    if desk.limit.refuses(address):
        response = _form(request, after, 429, "too_many")
        response.headers["retry-after"] = str(int(FAILURES_S))
        return response
    caller = await desk.access.holder(str(form.get("key", "")).strip())
    if caller is None:
        desk.limit.count_failure(address)
        return _form(request, after, 401, "wrong_key")
    response = RedirectResponse(after, 303)
    _begin_session(request, response, caller)
    response.delete_cookie(SIGN_IN_COOKIE, path=HOME)
    return response


async def to_provider(request: Request) -> Response:
    """Send the browser to the identity provider. A link, since a form may lead nowhere but to the desk."""
    after = own_place(request.query_params.get("next"))
    try:
        begun = await run_sync(_flow(request).begin, after)
    except SignInRefused as error:
        return _form(request, after, 502, f"refused_{error.why}")
    response = RedirectResponse(begun.url, 303)
    response.set_cookie(
        FLOW_COOKIE,
        begun.browser,
        max_age=int(SIGN_IN_S),
        path=SIGN_IN,
        secure=is_secure(request),
        httponly=True,
        # Strict, it would not come back with the browser.
        samesite="lax",
    )
    return response


async def from_provider(request: Request) -> Response:
    """Begin the session of whom the provider names.

    The answer is a page that goes on by itself: a redirect would still come from the provider's site, and the
    browser would not send the cookie of the session along.
    """
    answer, browser = dict(request.query_params), request.cookies.get(FLOW_COOKIE, "")
    try:
        found = await run_sync(_flow(request).end, answer, browser)
    except SignInRefused as error:
        response = _form(request, HOME, 401, f"refused_{error.why}")
    else:
        response = render(request, "signed_in", after=own_place(found.after))
        _begin_session(request, response, found.caller, found.sign_out_url)
    response.delete_cookie(FLOW_COOKIE, path=SIGN_IN)
    return response


async def sign_out(request: Request) -> Response:
    """End the session; who has signed in at a provider is offered to sign out there too."""
    elsewhere = session_of(request).sign_out_url
    desk_of(request).sessions.end(request.cookies.get(COOKIE, ""))
    request.scope["session"] = None
    response = render(request, "signed_out", url=elsewhere) if elsewhere else RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, path=HOME)
    return response


def _flow(request: Request) -> CodeFlow:
    flow = desk_of(request).provider
    if flow is None:
        raise HTTPException(404)
    return flow


def _form(request: Request, after: str, status: int = 200, fault: str = "") -> Response:
    token = request.cookies.get(SIGN_IN_COOKIE) or secrets.token_urlsafe(32)
    provider = f"{PROVIDER}?next={quote(after, safe='')}" if desk_of(request).provider else ""
    response = render(request, "sign_in", status, token=token, next=after, fault=fault, provider=provider)
    _set_cookie(request, response, SIGN_IN_COOKIE, token)
    return response


def _begin_session(request: Request, response: Response, caller: Caller, sign_out_url: str = "") -> None:
    sessions = desk_of(request).sessions
    sessions.end(request.cookies.get(COOKIE, ""))
    _set_cookie(request, response, COOKIE, sessions.begin(caller, sign_out_url))


def _set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, path=HOME, secure=is_secure(request), httponly=True, samesite="strict")
