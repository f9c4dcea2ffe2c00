from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from guard.errors import EngineUnavailable
from serving.engine import supervisor as module
from serving.engine.supervisor import EngineState, EngineUnreachable, RunningEngine, Supervisor
from serving.http.asgi import App, Receive, Scope, Send


async def application(scope: Scope, receive: Receive, send: Send) -> None: ...


@dataclass
class Engine:
    app: App = application
    end: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False
    preempt: None = None

    async def died(self) -> None:
        await self.end.wait()


class Rig:
    """Engines in the order they are opened; `errors` are raised instead, one per opening, None opens."""

    def __init__(self, errors: list[Exception | None], verdicts: list[Exception | None]) -> None:
        self.errors = errors
        self.verdicts = verdicts
        self.engines: list[Engine] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Engine]:
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        self.engines.append(Engine())
        try:
            yield self.engines[-1]
        finally:
            self.engines[-1].closed = True

    async def self_test(self, engine: RunningEngine) -> None:
        verdict = self.verdicts.pop(0) if self.verdicts else None
        if verdict:
            raise verdict


@contextlib.asynccontextmanager
async def supervised(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, start_timeout: float = 600.0
) -> AsyncIterator[Supervisor]:
    monkeypatch.setattr(module, "MIN_PAUSE_S", 0.001)
    supervisor = Supervisor(rig.open, rig.self_test, start_timeout)
    task = asyncio.create_task(supervisor.run())
    try:
        yield supervisor
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.anyio
async def test_an_engine_serves_only_after_its_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig([], [EngineUnavailable("it leaked"), EngineUnavailable("it leaked"), None])
    supervisor = Supervisor(rig.open, rig.self_test, 600.0)
    assert (supervisor.app, supervisor.state) == (None, EngineState.STARTING)
    async with supervised(rig, monkeypatch) as supervisor:
        await until(lambda: supervisor.state is EngineState.FAILED)
        assert (supervisor.app, supervisor.reason) == (None, "it leaked")
        await until(lambda: supervisor.app is not None)
        assert (supervisor.state, supervisor.reason) == (EngineState.READY, "")
        assert [engine.closed for engine in rig.engines] == [True, True, False]


@pytest.mark.anyio
async def test_an_engine_that_cannot_be_reached_is_looked_for_often(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is used again soon after it is back, however long it was away; the log says once that it is."""
    rig = Rig([EngineUnreachable("nobody answers") for _ in range(16)], [])
    async with supervised(rig, monkeypatch) as supervisor:
        await until(lambda: supervisor.app is not None)
    assert [record.message for record in caplog.records].count("engine failed nobody answers") == 1


@pytest.mark.anyio
async def test_a_dead_engine_is_taken_away_at_once_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig([], [])
    async with supervised(rig, monkeypatch) as supervisor:
        await until(lambda: supervisor.app is not None)
        rig.engines[0].end.set()
        await until(lambda: len(rig.engines) == 2 and supervisor.app is not None)
        assert rig.engines[0].closed


@pytest.mark.anyio
async def test_an_unforeseen_failure_shows_its_kind_and_none_of_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig([RuntimeError("a prompt")] * 50, [])
    async with supervised(rig, monkeypatch) as supervisor:
        await until(lambda: supervisor.state is EngineState.FAILED)
        assert supervisor.reason == "the engine failed: RuntimeError"


class Slow(Rig):
    """Engines of which the first `stuck` never come up, or never answer the self-test."""

    def __init__(self, stuck: int, opens: bool) -> None:
        super().__init__([], [])
        self.stuck = stuck
        self.opens = opens

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Engine]:
        if self.stuck and not self.opens:
            self.stuck -= 1
            await asyncio.Event().wait()
        async with super().open() as engine:
            yield engine

    async def self_test(self, engine: RunningEngine) -> None:
        if self.stuck:
            self.stuck -= 1
            await asyncio.Event().wait()


@pytest.mark.anyio
@pytest.mark.parametrize("opens", [False, True])
async def test_an_engine_that_is_not_ready_in_time_has_failed_and_is_started_again(
    opens: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Slow(1, opens)
    async with supervised(rig, monkeypatch, start_timeout=0.05) as supervisor:
        await until(lambda: supervisor.app is not None)
        assert [engine.closed for engine in rig.engines][-1:] == [False]
    assert caplog.messages[0] == "engine failed the engine was not ready within 0.05 seconds (start_timeout)"
    assert all(engine.closed for engine in rig.engines)


@pytest.mark.anyio
async def test_the_limit_of_a_start_does_not_end_a_ready_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig([], [])
    async with supervised(rig, monkeypatch, start_timeout=0.05) as supervisor:
        await until(lambda: supervisor.app is not None)
        ready = rig.engines[-1]
        await asyncio.sleep(0.1)
        assert (supervisor.state, ready.closed) == (EngineState.READY, False)


@pytest.mark.anyio
async def test_a_long_start_is_told_while_it_lasts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LOG_PERIOD_S", 0.01)
    caplog.set_level("INFO", "lethe.engine")
    async with supervised(Slow(1, True), monkeypatch, start_timeout=0.1) as supervisor:
        await until(lambda: supervisor.app is not None)
    assert caplog.messages[0] == "engine starting"
    assert any(message.startswith("engine still starting, ") for message in caplog.messages)
    told = [message for message in caplog.messages if message.startswith("engine still")]
    await asyncio.sleep(0.05)
    assert [message for message in caplog.messages if message.startswith("engine still")] == told
