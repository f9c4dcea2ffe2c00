"""Keys: who has one, what for, when last used, and what was done with them; create, rotate and revoke one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from anyio.to_thread import run_sync
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.registry.keys.key import Audience, NewKey, Role
from guard.registry.keys.store import DuplicateKey, InvalidKey, KeyEvents, KeyStore
from serving.admin.keys.bodies import DEFAULT_OVERLAP_S, KeyIn
from serving.desk.context import desk_of, form_of
from serving.desk.pages.fields import faults_of
from serving.desk.rendering import HOME, render

KEYS = f"{HOME}/keys"
LATEST_EVENTS = 50
"""Events that the page shows of the audit trail."""
_BLANK = {"name": "", "audience": Audience.ADMIN, "role": Role.READER, "tags": "", "models": ""} | {
    "requests_per_minute": "",
    "expires_at": "",
}


async def keys(request: Request) -> Response:
    """Show all keys, also those that have ended."""
    return await _page(request)


async def create(request: Request) -> Response:
    """Create a key, and show its secret this once."""
    form = form_of(request)
    sent = {name: str(form.get(name, "")).strip() for name in _BLANK}
    ring = desk_of(request).service.keys
    try:
        new = await run_sync(ring.store.create, KeyIn.model_validate(_members(sent)).draft())
    except (ValidationError, InvalidKey, DuplicateKey) as error:
        return await _page(request, 422, sent=sent, faults=faults_of(error))
    await run_sync(ring.refresh)
    # Its policy set may be a new one.
    desk_of(request).service.applier.notify()
    return await _page(request, new=new)


async def rotate(request: Request) -> Response:
    """Give a key another secret, and show it this once. The one before stays valid for an hour, or not at all."""
    overlap = 0 if "now" in form_of(request) else DEFAULT_OVERLAP_S
    ring = desk_of(request).service.keys
    new = await run_sync(ring.store.rotate, request.path_params["id"], overlap)
    await run_sync(ring.refresh)
    return await _page(request, new=new)


async def revoke(request: Request) -> Response:
    """Revoke a key."""
    ring = desk_of(request).service.keys
    await run_sync(ring.store.revoke, request.path_params["id"])
    await run_sync(ring.refresh)
    return RedirectResponse(KEYS, 303)


async def _page(request: Request, status: int = 200, *, new: NewKey | None = None, **values: Any) -> Response:
    store = desk_of(request).service.keys.store
    found = await run_sync(store.list)
    now = datetime.now(UTC)
    return render(
        request,
        "keys",
        status,
        rows=[(key, key.state(now)) for key in found],
        latest=await run_sync(_latest, store),
        new=new,
        audiences=[*Audience],
        roles=[*Role],
        **{"sent": _BLANK, "faults": [], **values},
    )


def _latest(store: KeyStore) -> KeyEvents:
    return store.events(max(0, store.version() - LATEST_EVENTS), LATEST_EVENTS)


def _members(sent: dict[str, str]) -> dict[str, object]:
    """Return the members of the key that a form describes; those of the other audience are left out."""
    members: dict[str, object] = {"name": sent["name"], "audience": sent["audience"]}
    if sent["audience"] == Audience.ADMIN:
        members["role"] = sent["role"]
    else:
        for name in ("tags", "models"):
            members[name] = [one.strip() for one in sent[name].split(",") if one.strip()]
        members["requests_per_minute"] = sent["requests_per_minute"] or None
    if sent["expires_at"]:
        members["expires_at"] = f"{sent['expires_at']}:00Z"
    return members
