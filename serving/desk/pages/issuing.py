"""Issuing certificates: which targets, what a certificate says, and how far the measurement is."""

from __future__ import annotations

from typing import NamedTuple

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.errors import UnknownTarget
from guard.registry.registry import Registry
from guard.targets.target import ForgetTarget, Mode, State
from serving.access.rights import Right
from serving.desk.context import caller_of, desk_of, form_of, session_of
from serving.desk.pages.certificates import CERTIFICATES
from serving.desk.pages.targets import PAGE_ROWS, shown_name
from serving.desk.rendering import render

ISSUE = f"{CERTIFICATES}/issue"


class Candidate(NamedTuple):
    """A target that a certificate may be issued of; `name` is masked unless the session has revealed it.

    in_shadow  whether it must be enforced for that
    """

    id: str
    name: str
    in_shadow: bool


async def ask(request: Request) -> Response:
    """Ask of which target a certificate is to be issued."""
    return await _page(request, [request.query_params.get("target", "").strip()])


async def issue(request: Request) -> Response:
    """Begin to issue certificates of the chosen targets, once it was confirmed."""
    form, caller = form_of(request), caller_of(request)
    ids = [str(id).strip() for id in dict.fromkeys(form.getlist("chosen"))][:PAGE_ROWS]
    if "confirmed" not in form:
        return await _page(request, ids)
    service = desk_of(request).service
    enforce = "enforce" in form
    found = [
        target for target in await run_sync(_active, service.registry, ids) if enforce or not _in_shadow(target)
    ]
    if enforce and any(map(_in_shadow, found)):
        caller.require(Right.ENFORCE)
    if not found:
        return await _page(request, ids)
    for target in found:
        service.certificates.start(target.id, caller, enforce=_in_shadow(target))
    return RedirectResponse(CERTIFICATES, 303)


async def cancel(request: Request) -> Response:
    """Stop the issue of a certificate."""
    desk_of(request).service.certificates.cancel(str(form_of(request).get("target")))
    return RedirectResponse(CERTIFICATES, 303)


async def _page(request: Request, ids: list[str]) -> Response:
    revealed = session_of(request).revealed
    found = await run_sync(_active, desk_of(request).service.registry, ids)
    candidates = [Candidate(one.id, shown_name(one, revealed), _in_shadow(one)) for one in found]
    asked = [id for id in ids if id]
    return render(request, "issue", candidates=candidates, unknown=len(asked) - len(candidates), asked=asked)


def _active(registry: Registry, ids: list[str]) -> list[ForgetTarget]:
    """Return the active ones among these targets."""
    found = [_found(registry, id) for id in ids if id]
    return [target for target in found if target is not None and target.state is State.ACTIVE]


def _found(registry: Registry, id: str) -> ForgetTarget | None:
    try:
        return registry.get(id)
    except UnknownTarget:
        return None


def _in_shadow(target: ForgetTarget) -> bool:
    return target.draft.mode is Mode.SHADOW
