"""Keeps one guarded engine behind the data plane: opens it, proves it, notices its death, opens it again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from guard.decoding.backtracking import AbortToken
from guard.errors import EngineUnavailable, LetheError
from serving.http.asgi import App

log = logging.getLogger("lethe.engine")
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


class EngineState(StrEnum):
    """Where the engine stands; only `ready` lets a request through."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


class RunningEngine(Protocol):
    """An open engine."""

    @property
    def app(self) -> App: ...

    @property
    def abort_token(self) -> AbortToken | None: ...

    async def died(self) -> None: ...


Opener = Callable[[], AbstractAsyncContextManager[RunningEngine]]
SelfTest = Callable[[App], Awaitable[None]]


class Supervisor:
    """`engine`, and `app`, its application, are there while it is proven to restrict; `reason` says why not."""

    def __init__(self, opener: Opener, self_test: SelfTest, start_timeout: float) -> None:
        self._open = opener
        self._self_test = self_test
        self._start_timeout = start_timeout
        self.engine: RunningEngine | None = None
        self.state = EngineState.STARTING
        self.reason = "the engine is starting"

    @property
    def app(self) -> App | None:
        return self.engine.app if self.engine else None

    @property
    def abort_token(self) -> AbortToken | None:
        """What answers of the engine are begun anew by; None where they are not."""
        return self.engine.abort_token if self.engine else None

    async def run(self) -> None:
        """Keep the engine up until cancelled; each failure doubles the pause, a proven start resets it.

        An engine that is not proven within `start_timeout` seconds has failed.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                async with self._opened_in_time() as engine:
                    self._become(EngineState.READY, "", engine)
                    pause = FIRST_PAUSE
                    await engine.died()
                    self._become(EngineState.FAILED, "the engine died and is being restarted")
            except LetheError as error:
                self._become(EngineState.FAILED, error.message)
            except Exception as error:
                self._become(EngineState.FAILED, f"the engine failed: {type(error).__name__}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    @contextlib.asynccontextmanager
    async def _opened_in_time(self) -> AsyncIterator[RunningEngine]:
        try:
            async with asyncio.timeout(self._start_timeout) as start, self._open() as engine:
                await self._self_test(engine.app)
                start.reschedule(None)
                yield engine
        except TimeoutError:
            if start.expired():
                limit = f"{self._start_timeout:g} seconds (start_timeout)"
                raise EngineUnavailable(f"the engine was not ready within {limit}") from None
            raise

    def _become(self, state: EngineState, reason: str, engine: RunningEngine | None = None) -> None:
        self.engine, self.state, self.reason = engine, state, reason
        log.log(logging.INFO if engine else logging.ERROR, "engine %s %s", state.value, reason)
