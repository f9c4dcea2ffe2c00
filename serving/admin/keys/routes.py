"""Keys over HTTP: create, list, rotate, revoke, and their audit trail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query

from serving.admin.keys.bodies import (
    KeyEventOut,
    KeyEventPage,
    KeyIn,
    KeyList,
    KeyOut,
    NewKeyOut,
    RotateIn,
    key_of,
    new_key_of,
)
from serving.admin.problems import documented
from serving.admin.service import Service

PATH = "/admin/v1/keys"
ONE = f"{PATH}/{{key_id}}"

router = APIRouter(tags=["keys"])


@router.post(PATH, status_code=201, responses=documented(400, 409, 413, 415))
async def create(service: Service, body: KeyIn) -> NewKeyOut:
    """Create a key. Every server accepts it within a second; its secret is in this answer alone."""
    new = await run_sync(service.keys.store.create, body.draft())
    await run_sync(service.keys.refresh)
    # Its policy set may be a new one.
    service.applier.notify()
    return new_key_of(new)


@router.get(PATH, responses=documented())
async def listed(service: Service) -> KeyList:
    """List all keys, without their secrets."""
    return KeyList(keys=[key_of(key) for key in await run_sync(service.keys.store.list)])


@router.get(f"{PATH}/events", responses=documented())
async def events(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[int, Query(ge=0, lt=2**53, description="`next_cursor` of the previous page.")] = 0,
) -> KeyEventPage:
    """List who created, rotated and revoked which key, and who switched approval, oldest first, verified."""
    found = await run_sync(service.keys.store.events, cursor, limit)
    return KeyEventPage(
        events=[KeyEventOut(**asdict(event)) for event in found.events],
        next_cursor=found.next,
        first_broken=found.first_broken,
    )


@router.post(f"{ONE}:rotate", responses=documented(400, 404, 413, 415))
async def rotate(service: Service, key_id: str, body: RotateIn | None = None) -> NewKeyOut:
    """Give a key another secret. The one before stays valid for `overlap` seconds."""
    new = await run_sync(service.keys.store.rotate, key_id, (body or RotateIn()).overlap)
    await run_sync(service.keys.refresh)
    return new_key_of(new)


@router.post(f"{ONE}:revoke", responses=documented(404))
async def revoke(service: Service, key_id: str) -> KeyOut:
    """Revoke a key: this server refuses it at once, the others within a second."""
    revoked = await run_sync(service.keys.store.revoke, key_id)
    await run_sync(service.keys.refresh)
    return key_of(revoked)
