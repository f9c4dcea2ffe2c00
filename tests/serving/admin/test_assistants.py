from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from pydantic import SecretStr

from guard.uld.assistant import Assistants, Status
from serving.admin.app import create_admin
from serving.assistants.service import AssistantService
from tests.guard.uld.conftest import make_model
from tests.guard.uld.test_assistant import described
from tests.serving.admin.conftest import ADA, KEY, Service

pytestmark = pytest.mark.anyio

PATH = "/admin/v1/assistants"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


class Plane:
    """An admin plane with a folder of assistants, and a client of it."""

    def __init__(self, folder: Path, model: Path, client: httpx.AsyncClient, service: Service) -> None:
        self.root = folder / "assistants"
        self.model = model
        self.client = client
        self.service = service

    async def add(self, **more: Any) -> str:
        answer = await self.client.post("/admin/v1/targets", json=ADA | {"methods": ["guard", "uld"]} | more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def trained(self, **more: Any) -> str:
        manifest = described(self.model, **more)
        return Assistants(self.root).add(manifest, {"a": torch.ones(1)}, {}).digest

    async def move(self, digest: str, verb: str) -> httpx.Response:
        return await self.client.post(f"{PATH}/{digest}:{verb}")


@pytest.fixture
async def plane(tmp_path: Path, model: Path) -> AsyncIterator[Plane]:
    service = Service(tmp_path / "registry.db")
    root = tmp_path / "assistants"
    service.assistants = AssistantService(root, str(model), tmp_path / "registry.db", service.notify)
    transport = httpx.ASGITransport(create_admin(service, SecretStr(KEY)))
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
        yield Plane(tmp_path, model, client, service)
    service.registry.close()


@pytest.mark.parametrize("everything", [True, False])
async def test_a_training_is_queued_and_listed(plane: Plane, everything: bool) -> None:
    target = await plane.add()
    await plane.add(name="Bram Ombergale", methods=["guard"])
    answer = await plane.client.post(PATH, json={"targets": "all" if everything else [target]})
    assert answer.status_code == 202
    job = answer.json()
    assert (job["state"], job["targets"], job["assistant"]) == ("queued", [target], None)
    assert (await plane.client.get(PATH)).json() == {"assistants": [], "trainings": [job]}


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        ({"methods": ["guard"]}, "does not name uld"),
        ({"facts": [], "passages": []}, "neither facts nor passages"),
    ],
)
async def test_a_target_that_cannot_be_trained_is_refused(plane: Plane, draft: dict[str, Any], why: str) -> None:
    target = await plane.add(**draft)
    answer = await plane.client.post(PATH, json={"targets": [target]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "targets[0]")
    assert why in answer.json()["detail"]
    nothing = await plane.client.post(PATH, json={"targets": "all"})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_train")
    assert (await plane.client.post(PATH, json={"targets": ["ft_nobody"]})).status_code == 404
    assert (await plane.client.get(PATH)).json()["trainings"] == []


async def test_an_assistant_is_promoted_and_retired_and_the_policy_is_told(plane: Plane) -> None:
    digest = plane.trained(targets=("ft_1",))
    promoted = await plane.move(digest, "promote")
    assert promoted.status_code == 200
    assert (promoted.json()["standing"], promoted.json()["targets"]) == ("promoted", ["ft_1"])
    assert plane.service.notified == 1
    assert (await plane.move(digest, "retire")).status_code == 204
    assert plane.service.notified == 2
    (listed,) = (await plane.client.get(PATH)).json()["assistants"]
    assert (listed["digest"], listed["standing"]) == (digest, "retired")


async def test_one_that_cannot_be_served_is_refused_and_the_old_one_stays(plane: Plane, tmp_path: Path) -> None:
    old = plane.trained(targets=("ft_1",))
    await plane.move(old, "promote")
    foreign = plane.trained(targets=("ft_1",), base="f" * 64)
    other_vocabulary = plane.trained(targets=("ft_1",), tokenizer="f" * 64)
    cut = plane.trained(targets=("ft_1",), seed=5)
    weights = plane.root / "trained" / cut / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    for digest, why in ((foreign, "another model"), (other_vocabulary, "another tokenizer"), (cut, "damaged")):
        answer = await plane.move(digest, "promote")
        assert (answer.status_code, answer.json()["code"]) == (409, "assistant_refused")
        assert why in answer.json()["detail"]
    assert [one.digest for one in Assistants(plane.root).list(Status.PROMOTED)] == [old]


async def test_what_is_not_there_is_unknown(plane: Plane) -> None:
    for verb in ("promote", "retire"):
        assert (await plane.move("0" * 64, verb)).json()["code"] == "unknown_assistant"
        assert (await plane.move("0" * 63, verb)).status_code == 422


async def test_beside_a_remote_engine_there_are_none(plane: Plane) -> None:
    plane.service.assistants = None
    assert (await plane.client.get(PATH)).json()["code"] == "engine_is_remote"
    assert (await plane.client.post(PATH, json={"targets": "all"})).status_code == 409


async def test_a_full_disk_is_a_clear_error(plane: Plane) -> None:
    target = await plane.add()
    plane.root.write_text("in the way")
    answer = await plane.client.post(PATH, json={"targets": [target]})
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
