"""The engines of a server are listed, and one of several is drained."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr

from serving.admin.app import create_admin
from serving.engine.supervisor import EngineState, Member

pytestmark = pytest.mark.anyio

KEY = "test-key-" + "k" * 32
LIST, DRAIN = "/admin/v1/engines", "/admin/v1/engines:drain"


class Engines:
    """Stands in for two engines, one of them dead."""

    def __init__(self) -> None:
        self.drained: set[str] = set()

    @property
    def members(self) -> list[Member]:
        return [
            Member("http://a", EngineState.READY, "", 3, "http://a" in self.drained),
            Member("http://b", EngineState.FAILED, "the engine died and is being restarted"),
        ]

    def drain(self, url: str, *, drained: bool) -> bool:
        if url not in ("http://a", "http://b"):
            return False
        (self.drained.add if drained else self.drained.discard)(url)
        return True


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_admin(SimpleNamespace(engines=Engines(), keys=None, tokens=None, delegates=None), SecretStr(KEY))  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
        yield client


async def test_engines_are_listed(client: httpx.AsyncClient) -> None:
    assert (await client.get(LIST)).json()["engines"] == [
        {"url": "http://a", "state": "ready", "reason": "", "outstanding": 3, "drained": False},
        {
            "url": "http://b",
            "state": "failed",
            "reason": "the engine died and is being restarted",
            "outstanding": 0,
            "drained": False,
        },
    ]


async def test_an_engine_is_drained_and_taken_into_use_again(client: httpx.AsyncClient) -> None:
    for drained in (True, False):
        answer = await client.post(DRAIN, json={"url": "http://a", "drained": drained})
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await client.get(LIST)).json()["engines"][0]["drained"] is drained


async def test_an_engine_that_is_not_there_is_not_drained(client: httpx.AsyncClient) -> None:
    answer = await client.post(DRAIN, json={"url": "http://c"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_engine")
    assert (await client.post(DRAIN, json={})).status_code == 422
