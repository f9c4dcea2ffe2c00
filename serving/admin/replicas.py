"""Replicas, the servers that share the registry, and the engines of this one: its lease, and the routes on all."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from ulid import ULID

from guard.files import write_atomically
from guard.policy.current import CurrentPolicy
from guard.registry.database import PostgresUrl
from guard.registry.lease import LEASE_MARGIN_S, Lease
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from guard.workers.workers import Workers
from serving.admin.problems import Refused, documented
from serving.admin.service import Service
from serving.engine.supervisor import EngineState
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


class Elsewhere(NamedTuple):
    """Who else enforces the policy: the workers of the engine, and the servers that share the registry."""

    workers: Workers
    lease: Lease

    def unready(self) -> str:
        """Return why this server may not answer, as far as they go, or an empty string."""
        return self.workers.unready() or self.lease.unready()

    def notify(self) -> None:
        """Say, in the event loop, that this process enforces another version."""
        self.workers.notify()
        self.lease.notify()


def name_of(settings: Settings) -> str:
    """Return the host and port of this server."""
    return f"{socket.gethostname()}:{settings.port}"


def elsewhere_of(settings: Settings, registry: Registry, current: CurrentPolicy, engine: str) -> Elsewhere:
    """Return the workers of this server's engine, and its lease, which is longer than it answers without the
    registry, by LEASE_MARGIN_S seconds. By its lease it enforces what its own process and all workers do."""
    workers = Workers(settings.policy_dir, lambda: current.policy.version if current.policy else -1)
    name = name_of(settings)
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
    lease = Lease(registry.replicas, own, lambda: min(current.enforced_version, workers.version), shared=shared)
    workers.changed = lease.notify
    return Elsewhere(workers, lease)


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


class EngineOut(BaseModel):
    """An engine of this server; an embedded one has no `url`."""

    url: str
    state: EngineState
    reason: str = Field(description="Why it is not ready; empty while it is.")
    outstanding: int = Field(description="Requests that it is answering, where there are several engines.")
    drained: bool = Field(description="Whether it gets no more requests.")


class EngineList(BaseModel):
    """The engines of this server, in the order of its settings."""

    engines: list[EngineOut]


class DrainIn(BaseModel):
    """An engine that is to get no more requests, or to get them again."""

    model_config = ConfigDict(extra="forbid")

    url: str
    drained: bool = True


@router.get("/admin/v1/engines", responses=documented())
async def engines(service: Service) -> EngineList:
    """List the engines of this server. Drained engines are those of this server alone, until it stops."""
    return EngineList(engines=[EngineOut(**asdict(one)) for one in service.engines.members])


@router.post("/admin/v1/engines:drain", status_code=204, responses=documented(400, 404, 413, 415))
async def drain(service: Service, body: DrainIn) -> None:
    """Have one of several engines get no more requests, or get them again. What it is answering goes on."""
    if not service.engines.drain(body.url, drained=body.drained):
        raise Refused(404, "unknown_engine", "this server has several engines, and none of this url", field="url")
