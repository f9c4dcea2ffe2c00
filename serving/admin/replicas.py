"""Replicas, the servers that share the registry: the lease of this one, and the admin plane's route on all."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel, Field
from ulid import ULID

from guard.policy.current import CurrentPolicy
from guard.registry.lease import LEASE_MARGIN_S, Lease
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from serving.admin.problems import documented
from serving.admin.service import Service
from serving.settings import Settings

router = APIRouter(tags=["policy"])


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
    own = Replica(
        id=str(ULID()),
        name=f"{socket.gethostname()}:{settings.port}",
        version=0,
        engine=engine,
        # Which runner a remote engine uses is not known here.
        runner="" if settings.engine else settings.runner,
        started_at=datetime.now(UTC),
        lease_s=settings.max_staleness + LEASE_MARGIN_S,
    )
    return Lease(registry.replicas, own, lambda: current.enforced_version)


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
