"""Several engines: the least busy one answers, one that fails is passed over, one that is drained gets nothing."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from guard.errors import EngineUnavailable
from serving.engine.pool import EnginePool, SameModel
from serving.engine.supervisor import EngineState
from serving.http import asgi_client
from serving.http.asgi import Receive, Scope, Send, read_body, respond

pytestmark = pytest.mark.anyio


class Engine:
    """Stands in for a supervised engine, and for the supervisor of one."""

    abort_token = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.up = True
        self.fails = ""
        self.answered: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def app(self) -> Any:
        return self._answer if self.up else None

    @property
    def state(self) -> EngineState:
        return EngineState.READY if self.up else EngineState.FAILED

    @property
    def reason(self) -> str:
        return "" if self.up else f"{self.name} is dead"

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 2**20)
        if self.fails == "before":
            raise httpx.ConnectError("refused")
        self.answered.append(body)
        if self.fails == "midway":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise httpx.ReadError("gone")
        await self.gate.wait()
        await respond(send, 200, {"by": self.name})


@pytest.fixture
def engines() -> list[Engine]:
    return [Engine("a"), Engine("b")]


@pytest.fixture
def pool(engines: list[Engine]) -> EnginePool:
    return EnginePool({f"http://{engine.name}": engine for engine in engines})  # type: ignore[misc]


async def asked(pool: EnginePool) -> str:
    assert pool.app is not None
    response = await asgi_client.request(pool.app, "POST", "/v1/completions", {"prompt": "p"})
    return str(response.json()["by"])


async def test_the_engine_with_the_least_outstanding_requests_answers(
    pool: EnginePool, engines: list[Engine]
) -> None:
    for engine in engines:
        engine.gate.clear()
    asking = [asyncio.create_task(asked(pool)) for _ in range(10)]
    async with asyncio.timeout(10):
        while sum(one.outstanding for one in pool.members) < 10:
            await asyncio.sleep(0)
    assert [one.outstanding for one in pool.members] == [5, 5]
    engines[1].gate.set()
    async with asyncio.timeout(10):
        while pool.members[1].outstanding:
            await asyncio.sleep(0)
    assert await asked(pool) == "b"
    engines[0].gate.set()
    await asyncio.gather(*asking)
    assert [one.outstanding for one in pool.members] == [0, 0]


async def test_an_engine_that_cannot_be_reached_is_passed_over_with_the_same_body(
    pool: EnginePool, engines: list[Engine]
) -> None:
    engines[0].fails = "before"
    assert [await asked(pool) for _ in range(3)] == ["b"] * 3
    assert set(engines[1].answered) == {b'{"prompt":"p"}'}
    engines[1].fails = "before"
    with pytest.raises(httpx.ConnectError):
        await asked(pool)
    assert [one.outstanding for one in pool.members] == [0, 0]


async def test_an_answer_that_has_begun_is_not_begun_again(pool: EnginePool, engines: list[Engine]) -> None:
    engines[0].fails = "midway"
    with pytest.raises(httpx.ReadError):
        await asked(pool)
    assert engines[1].answered == []


async def test_a_dead_engine_is_not_asked_and_the_pool_is_ready_while_one_lives(
    pool: EnginePool, engines: list[Engine]
) -> None:
    engines[0].up = False
    assert (pool.reason, await asked(pool)) == ("", "b")
    engines[1].up = False
    assert (pool.app, pool.reason) == (None, "a is dead")
    engines[0].up = True
    assert await asked(pool) == "a"


async def test_a_drained_engine_ends_what_it_answers_and_gets_nothing_more(
    pool: EnginePool, engines: list[Engine]
) -> None:
    engines[0].gate.clear()
    asking = asyncio.create_task(asked(pool))
    async with asyncio.timeout(10):
        while not pool.members[0].outstanding:
            await asyncio.sleep(0)
    assert pool.drain("http://a", drained=True)
    assert await asked(pool) == await asked(pool) == "b"
    engines[0].gate.set()
    assert await asking == "a"
    assert pool.drain("http://b", drained=True)
    assert (pool.app, pool.reason) == (None, "all engines are drained")
    assert pool.drain("http://a", drained=False)
    assert await asked(pool) == "a"
    assert not pool.drain("http://c", drained=True)


async def test_engines_of_different_models_are_not_mixed() -> None:
    def engine(model: str) -> Any:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await respond(send, 200, {"data": [{"id": model, "max_model_len": 2048}]})

        return SimpleNamespace(app=app)

    same = SameModel()
    await same.check(engine("m"))
    await same.check(engine("m"))
    with pytest.raises(EngineUnavailable, match="another model"):
        await same.check(engine("n"))


async def test_an_engine_whose_workers_lack_the_policy_gets_no_requests_until_they_have_it(
    engines: list[Engine],
) -> None:
    lacking = {"http://a": "an engine worker enforces an earlier policy"}
    pool = EnginePool(
        {f"http://{engine.name}": engine for engine in engines},  # type: ignore[misc]
        lambda url: lacking.get(url, ""),
    )
    assert {await asked(pool) for _ in range(4)} == {"b"}
    assert pool.reason == ""
    assert [(one.state, one.reason) for one in pool.members] == [
        (EngineState.FAILED, lacking["http://a"]),
        (EngineState.READY, ""),
    ]
    engines[1].up = False
    assert pool.app is None
    assert pool.reason == lacking["http://a"]
    lacking.clear()
    assert await asked(pool) == "a"
