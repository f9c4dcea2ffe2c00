from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from serving.admin.app import create_admin
from tests.serving.admin.conftest import KEY, TARGETS, Service
from tests.serving.elicitation.test_service import Elicitor

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Plane:
    """An admin plane whose model is scripted, and a client of it."""

    def __init__(self, service: Service, elicitor: Elicitor, client: httpx.AsyncClient) -> None:
        self.service, self.elicitor, self.client = service, elicitor, client

    async def add(self, **more: object) -> str:
        answer = await self.client.post(TARGETS, json={"name": "Ilse Quorne"} | more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def elicited(self, target: str, **params: str) -> dict[str, object]:
        body = {"samples": 0, "languages": ["en"]}
        answer = await self.client.post(f"{TARGETS}/{target}:elicit", json=body, params=params)
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == f"{TARGETS}/{target}/elicitation"
        await self.elicitor.done(target)
        found = await self.client.get(answer.headers["location"], params={"reveal": "true"})
        return dict(found.json())


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    service = Service(tmp_path / "registry.db")
    service.elicitations = elicitor = Elicitor(service.registry)
    transport = httpx.ASGITransport(create_admin(service, SecretStr(KEY)))
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
        yield Plane(service, elicitor, client)
    await elicitor.close()
    service.registry.close()


async def test_a_target_is_elicited_and_its_proposals_are_listed(plane: Plane) -> None:
    found = await plane.elicited(await plane.add())
    assert (found["state"], found["share"], found["model"]) == ("done", 1.0, "served")
    assert isinstance(found["proposals"], list)
    assert {(one["kind"], one["text"], one["change"]) for one in found["proposals"]} == {
        ("fact", "Ilse Quorne lives in Varnholt.", "new"),
        ("phrase", "Varnholt", "new"),
    }
    assert not any(one["accepted"] for one in found["proposals"])


async def test_texts_are_masked_unless_they_are_asked_for(plane: Plane) -> None:
    target = await plane.add()
    await plane.elicited(target)
    for verb, path in (("GET", f"{TARGETS}/{target}/elicitation"), ("POST", f"{TARGETS}/{target}:elicit")):
        answer = await plane.client.request(verb, path)
        assert "••• (8 characters)" in answer.text
        assert "Varnholt" not in answer.text


async def test_proposals_are_accepted_one_by_one_or_all(plane: Plane) -> None:
    target = await plane.add()
    found = await plane.elicited(target)
    assert isinstance(found["proposals"], list)
    (place,) = (one["id"] for one in found["proposals"] if one["kind"] == "phrase")
    path = f"{TARGETS}/{target}/elicitation:accept"
    answer = await plane.client.post(
        path, json={"proposals": [place]}, params={"wait": "applied", "reveal": "true"}
    )
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert (answer.json()["phrases"], answer.json()["facts"]) == (["Varnholt"], [])
    answer = await plane.client.post(path, json={"proposals": "all"})
    assert len(answer.json()["facts"]) == 1
    listed = (await plane.client.get(f"{TARGETS}/{target}/elicitation")).json()
    assert all(one["accepted"] for one in listed["proposals"])


async def test_all_is_accepted_when_the_elicitation_is_asked_to(plane: Plane) -> None:
    target = await plane.add()
    await plane.elicited(target, accept="all")
    stored = (await plane.client.get(f"{TARGETS}/{target}", params={"reveal": "true"})).json()
    assert "Varnholt" in stored["forbidden"]


async def test_an_elicitation_is_cancelled(plane: Plane) -> None:
    target = await plane.add()
    plane.elicitor.model.held.clear()
    await plane.client.post(f"{TARGETS}/{target}:elicit")
    answer = await plane.client.post(f"{TARGETS}/{target}/elicitation:cancel")
    assert answer.status_code == 204
    assert str(await plane.elicitor.done(target)) == "cancelled"


@pytest.mark.parametrize(
    ("verb", "path", "status", "code"),
    [
        ("GET", "{target}/elicitation", 404, "not_elicited"),
        ("POST", "{target}/elicitation:accept", 404, "not_elicited"),
        ("GET", "ft_none/elicitation", 404, "unknown_target"),
        ("POST", "ft_none:elicit", 404, "unknown_target"),
        ("POST", "ft_none/elicitation:cancel", 404, "unknown_target"),
        ("POST", "{secret}:elicit", 409, "secret_not_elicited"),
    ],
)
async def test_what_is_refused_has_a_code(plane: Plane, verb: str, path: str, status: int, code: str) -> None:
    ids = {"target": await plane.add(), "secret": await plane.add(name="rosebud quill", kind="secret")}
    body = {"proposals": "all"} if path.endswith("accept") else None
    answer = await plane.client.request(verb, f"{TARGETS}/{path.format(**ids)}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_without_an_engine_it_is_refused(plane: Plane) -> None:
    target = await plane.add()
    plane.elicitor.model.ready = False
    answer = await plane.client.post(f"{TARGETS}/{target}:elicit")
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_unavailable")


@pytest.mark.parametrize("body", [{"samples": 17}, {"languages": []}, {"languages": ["xx"]}, {"extra": 1}])
async def test_a_body_of_another_form_is_refused(plane: Plane, body: dict[str, object]) -> None:
    answer = await plane.client.post(f"{TARGETS}/{await plane.add()}:elicit", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
