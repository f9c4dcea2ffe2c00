"""A change is applied once every worker and every server of the registry enforces it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from guard.registry.replicas import Replica
from tests.serving.admin.conftest import ADA, TARGETS, Service, refused

pytestmark = pytest.mark.anyio


async def test_waiting_answers_once_the_change_is_enforced(client: httpx.AsyncClient, service: Service) -> None:
    wait = {"wait": "applied", "timeout": "5"}
    created = await client.post(TARGETS, params=wait, json=ADA)
    assert created.status_code == 201
    service.applies = False
    path = created.headers["location"]
    problem = refused(
        await client.patch(path, params=wait, json={"basis": "court"}, headers={"if-match": "*"}),
        504,
        "not_applied_in_time",
    )
    assert problem["instance"] == path
    assert "stored" in problem["detail"]
    assert (await client.get(path)).json()["basis"] == "court"
    other = refused(
        await client.post(TARGETS, params=wait, json={"name": "Bela Moth"}), 504, "not_applied_in_time"
    )
    assert (await client.get(other["instance"])).status_code == 200


REPLICA = Replica(
    id="r1",
    name="host-b:8000",
    version=1,
    engine="vLLM",
    runner="v2",
    started_at=datetime(2030, 1, 1, tzinfo=UTC),
    lease_s=40.0,
    age_s=2.5,
)


async def test_replicas_are_listed(client: httpx.AsyncClient, service: Service) -> None:
    service.replicas = [REPLICA, replace(REPLICA, id="r2", age_s=41.0)]
    answer = await client.get("/admin/v1/replicas")
    assert answer.json() == {
        "version": 0,
        "replicas": [
            {
                "id": id,
                "name": "host-b:8000",
                "enforced_version": 1,
                "engine": "vLLM",
                "runner": "v2",
                "started_at": "2030-01-01T00:00:00Z",
                "renewed_s": age,
                "live": live,
            }
            for id, age, live in [("r1", 2.5, True), ("r2", 41.0, False)]
        ],
    }


async def test_a_change_that_another_replica_does_not_enforce_is_not_applied(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.replicas = [REPLICA]
    wait = {"wait": "applied", "timeout": "1"}
    assert (await client.post(TARGETS, params=wait, json=ADA)).status_code == 201
    refused = await client.post(TARGETS, params=wait, json={"name": "Bela Moth"})
    assert (refused.status_code, refused.json()["code"]) == (504, "not_applied_in_time")
    assert "not yet enforced by host-b:8000 after 1 seconds" in refused.json()["detail"]


async def test_a_change_that_a_worker_of_the_engine_has_not_loaded_is_not_applied(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.worker_version = 0
    refused = await client.post(TARGETS, params={"wait": "applied", "timeout": "1"}, json=ADA)
    assert (refused.status_code, refused.json()["code"]) == (504, "not_applied_in_time")
    assert "not yet enforced by a worker of the engine after 1 seconds" in refused.json()["detail"]
