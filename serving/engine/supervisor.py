"""Supervises the engine behind the data plane: opens it, self-tests it, and restarts it when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from guard.decoding.backtracking import AbortToken
from guard.errors import EngineUnavailable, LetheError
from serving.http.asgi import App

log = logging.getLogger("lethe.engine")
MIN_PAUSE_S = 1.0
MAX_PAUSE_S = 60.0
LOG_PERIOD_S = 5.0


class EngineUnreachable(EngineUnavailable):
    """No engine answers at its address: whether one does is asked often, as asking costs nothing."""


class EngineState(StrEnum):
    """The state of the engine; requests are served only while it is `ready`."""

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

    @property
    def preempt(self) -> Callable[[], Awaitable[None]] | None: ...


@dataclass(frozen=True, slots=True)
class Member:
    """What is known of an engine: its address, state, why it is not ready, and the requests that it is answering,
    which are counted where there are several."""

    url: str
    state: EngineState
    reason: str
    outstanding: int = 0
    drained: bool = False


class Engines(Protocol):
    """One engine or several behind one application, None while none is ready, with the reason."""

    @property
    def members(self) -> list[Member]: ...

    def drain(self, url: str, *, drained: bool) -> bool: ...

    @property
    def app(self) -> App | None: ...

    @property
    def engine(self) -> RunningEngine | None: ...

    @property
    def abort_token(self) -> AbortToken | None: ...

    @property
    def reason(self) -> str: ...

    async def run(self) -> None: ...


Opener = Callable[[], AbstractAsyncContextManager[RunningEngine]]
SelfTest = Callable[[RunningEngine], Awaitable[None]]


class Supervisor:
    """Keeps an engine running.

    engine   the running engine, None until it has passed the self-test
    reason   why there is none, or an empty string
    """

    def __init__(self, opener: Opener, self_test: SelfTest, start_timeout: float, url: str = "") -> None:
        self._url = url
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
    def members(self) -> list[Member]:
        """This engine."""
        return [Member(self._url, self.state, self.reason)]

    def drain(self, url: str, *, drained: bool) -> bool:
        """Return False: a server drains by being stopped."""
        return False

    @property
    def abort_token(self) -> AbortToken | None:
        """The abort token by which answers backtrack; None if they do not."""
        return self.engine.abort_token if self.engine else None

    async def run(self) -> None:
        """Keep the engine running until cancelled.

        An engine that has not passed its self-test within `start_timeout` seconds has failed. The pause before the
        next start doubles with each failure; it is reset by a successful start, and while no engine is reached.
        """
        pause = MIN_PAUSE_S
        while True:
            is_away = False
            try:
                async with self._open_in_time() as engine:
                    self._set_state(EngineState.READY, "", engine)
                    pause = MIN_PAUSE_S
                    await engine.died()
                    self._set_state(EngineState.FAILED, "the engine died and is being restarted")
            except LetheError as error:
                self._set_state(EngineState.FAILED, error.message)
                is_away = isinstance(error, EngineUnreachable)
            except Exception as error:
                self._set_state(EngineState.FAILED, f"the engine failed: {type(error).__name__}")
            await asyncio.sleep(MIN_PAUSE_S if is_away else pause)
            pause = MIN_PAUSE_S if is_away else min(2 * pause, MAX_PAUSE_S)

    @contextlib.asynccontextmanager
    async def _open_in_time(self) -> AsyncIterator[RunningEngine]:
        try:
            async with asyncio.timeout(self._start_timeout) as start, contextlib.AsyncExitStack() as stack:
                with _logged_start():
                    engine = await stack.enter_async_context(self._open())
                    await self._self_test(engine)
                start.reschedule(None)
                yield engine
        except TimeoutError:
            if start.expired():
                limit = f"{self._start_timeout:g} seconds (start_timeout)"
                raise EngineUnavailable(f"the engine was not ready within {limit}") from None
            raise

    def _set_state(self, state: EngineState, reason: str, engine: RunningEngine | None = None) -> None:
        if (state, reason) == (self.state, self.reason) and engine is self.engine:
            return
        self.engine, self.state, self.reason = engine, state, reason
        log.log(logging.INFO if engine else logging.ERROR, "engine %s %s", state.value, reason)


@contextlib.contextmanager
def _logged_start() -> Iterator[None]:
    """Log that the engine starts, and every LOG_PERIOD_S seconds that it still does."""

    async def tell() -> None:
        for period in itertools.count(1):
            await asyncio.sleep(LOG_PERIOD_S)
            log.info("engine still starting, %d s so far", period * LOG_PERIOD_S)

    log.info("engine starting")
    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
