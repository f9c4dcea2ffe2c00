"""Replicas, the servers that share the registry: the lease of this one, and the admin plane's route on all."""

from __future__ import annotations

import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel, Field
from ulid import ULID

from guard.files import write_atomically
from guard.policy.current import CurrentPolicy
from guard.registry.database import PostgresUrl
from guard.registry.lease import LEASE_MARGIN_S, Lease
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from serving.admin.problems import documented
from serving.admin.service import Service
from serving.settings import Settings

router = APIRouter(tags=["policy"])
ID_FILE = "replica"


class ReplicaOut(BaseModel):
    """A server, and the policy version that it enforces in full."""

    id: str
    name: str
    enforced_version: int
    engine: str
    runner: str
    started_at: datetime
    renewed_s: float = Field(description="Seconds since it last renewed its lease.")
    live: bool = Field(description="Whether its lease has not ended.")


class ReplicaList(BaseModel):
    """All replicas, and the version that each should enforce."""

    version: int
    replicas: list[ReplicaOut]


def lease_of(settings: Settings, registry: Registry, current: CurrentPolicy, engine: str) -> Lease:
    """Return the lease of this server: longer than it answers without the registry, by LEASE_MARGIN_S seconds."""
    name = f"{socket.gethostname()}:{settings.port}"
    own = Replica(
        id=_id_of(settings.data_dir / ID_FILE, name),
        name=name,
        version=0,
        engine=engine,
        # Which runner a remote engine uses is not known here.
        runner="" if settings.engine else settings.runner,
        started_at=datetime.now(UTC),
        lease_s=settings.max_staleness + LEASE_MARGIN_S,
    )
    shared = isinstance(settings.registry, PostgresUrl)
    return Lease(registry.replicas, own, lambda: current.enforced_version, shared=shared)


def _id_of(path: Path, name: str) -> str:
    """Return the id of the server of this name with the data folder that the file is in, made on its first start.

    A folder that was copied to another server gets another id there.
    """
    with suppress(OSError, ValueError):
        id, of = path.read_text().split()
        if of == name:
            return id
    id = str(ULID())
    # Durable or not: with another id, an entry that a killed process left is live until its lease ends.
    with suppress(OSError):
        write_atomically(path, f"{id} {name}\n", durable=False, private=True)
    return id


@router.get("/admin/v1/replicas", responses=documented())
async def replicas(service: Service) -> ReplicaList:
    """List the servers that share the registry, and the policy version that each enforces."""
    version, found = await run_sync(lambda: (service.registry.version(), service.lease.list()))
    return ReplicaList(
        version=version,
        replicas=[
            ReplicaOut(
                id=one.id,
                name=one.name,
                enforced_version=one.version,
                engine=one.engine,
                runner=one.runner,
                started_at=one.started_at,
                renewed_s=round(one.age_s, 3),
                live=one.live,
            )
            for one in found
        ],
    )
