from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from guard.registry.approval.rule import Approval
from guard.targets.audit_log import acting_as
from serving.admin.app import create_admin
from tests.serving.admin.conftest import KEY, Service

pytestmark = pytest.mark.anyio
KEYS = "/admin/v1/keys"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "registry.db")
    yield service
    service.registry.close()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_admin(service, SecretStr(KEY)))  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
        yield client


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_a_key_is_created_used_rotated_and_revoked_at_once(client: httpx.AsyncClient) -> None:
    created = await client.post(KEYS, json={"name": "dashboard", "role": "reader"})
    assert created.status_code == 201
    key = created.json()
    assert (key["audience"], key["role"], key["state"]) == ("admin", "reader", "active")
    assert (await client.get("/admin/v1/policy", headers=bearer(key["secret"]))).status_code == 200
    rotated = (await client.post(f"{KEYS}/{key['id']}:rotate", json={"overlap": 60})).json()
    for secret in (key["secret"], rotated["secret"]):
        assert (await client.get("/admin/v1/policy", headers=bearer(secret))).status_code == 200
    again = (await client.post(f"{KEYS}/{key['id']}:rotate", json={"overlap": 0})).json()
    for secret in (key["secret"], rotated["secret"]):
        assert (await client.get("/admin/v1/policy", headers=bearer(secret))).status_code == 401
    revoked = await client.post(f"{KEYS}/{key['id']}:revoke")
    assert revoked.json()["state"] == "revoked"
    assert (await client.get("/admin/v1/policy", headers=bearer(again["secret"]))).status_code == 401


async def test_secrets_are_shown_once(client: httpx.AsyncClient) -> None:
    secret = (await client.post(KEYS, json={"name": "dashboard", "role": "reader"})).json()["secret"]
    listed = await client.get(KEYS)
    assert [one["name"] for one in listed.json()["keys"]] == ["dashboard"]
    assert secret not in listed.text
    events = await client.get(f"{KEYS}/events")
    assert [(one["action"], one["actor"]) for one in events.json()["events"]] == [("created", "admin")]
    assert events.json()["first_broken"] is None
    assert secret not in events.text


async def test_who_switched_approval_stands_among_the_events_of_keys(
    client: httpx.AsyncClient, service: Service
) -> None:
    with acting_as("command:anne"):
        service.registry.approvals.rule.write(Approval.FOUR_EYES)
    found = (await client.get(f"{KEYS}/events")).json()
    (event,) = found["events"]
    assert (event["action"], event["key_id"], event["actor"]) == ("approval_required", "", "command:anne")
    assert found["first_broken"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "a"}, 422, "invalid_key"),
        ({"name": "", "role": "reader"}, 422, "invalid_request"),
        ({"name": "a", "role": "owner"}, 422, "invalid_request"),
        ({"name": "a", "audience": "client", "role": "reader"}, 422, "invalid_key"),
        ({"name": "a", "audience": "client", "requests_per_minute": 0}, 422, "invalid_request"),
        ({"name": "a", "role": "reader", "tags": ["eu"]}, 422, "invalid_key"),
        ({"name": "a", "role": "reader", "secret": "mine"}, 422, "invalid_request"),
        ({"name": "a", "role": "reader", "expires_at": "2020-01-01T00:00:00Z"}, 422, "invalid_key"),
        ({"name": "a", "role": "reader", "expires_at": "2020-01-01"}, 422, "invalid_request"),
    ],
)
async def test_what_no_key_can_be_is_refused(
    client: httpx.AsyncClient, body: dict[str, object], status: int, code: str
) -> None:
    response = await client.post(KEYS, json=body)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_a_name_is_given_once(client: httpx.AsyncClient) -> None:
    body = {
        "name": "dashboard",
        "role": "reader",
        "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
    }
    assert (await client.post(KEYS, json=body)).status_code == 201
    again = await client.post(KEYS, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "duplicate_key")


async def test_an_unknown_key_is_404(client: httpx.AsyncClient) -> None:
    for action in ("rotate", "revoke"):
        response = await client.post(f"{KEYS}/ak_none:{action}")
        assert (response.status_code, response.json()["code"]) == (404, "unknown_key")
