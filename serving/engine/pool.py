"""Several engines behind one data plane: each supervised and self-tested by itself, asked by least outstanding
requests, and drained by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import httpx

from guard.decoding.backtracking import AbortToken
from guard.errors import EngineUnavailable
from serving.engine.remote import MAX_BODY_BYTES
from serving.engine.supervisor import EngineState, Member, RunningEngine, Supervisor
from serving.http import asgi_client
from serving.http.asgi import App, Message, Receive, Scope, Send, read_body, replay


@dataclass(slots=True)
class _Member:
    """An engine of a pool: requests that it is answering, and whether it is to get any more.

    lacks   why its workers cannot be relied on, or an empty string
    """

    supervisor: Supervisor
    lacks: Callable[[], str]
    outstanding: int = 0
    drained: bool = False

    @property
    def is_ready(self) -> bool:
        return not self.drained and self.supervisor.app is not None and not self.lacks()

    @property
    def reason(self) -> str:
        return self.supervisor.reason or self.lacks()

    @property
    def state(self) -> EngineState:
        lacking = self.supervisor.state is EngineState.READY and self.lacks()
        return EngineState.FAILED if lacking else self.supervisor.state


class EnginePool:
    """The engines by address: `Engines` that are ready while one of them is.

    `lacks` returns why the workers of the engine at an address cannot be relied on, or an empty string. Such an
    engine gets no more requests, as if it were drained, until they can.
    """

    def __init__(self, engines: Mapping[str, Supervisor], lacks: Callable[[str], str] = lambda url: "") -> None:
        self._members = {url: _Member(supervisor, partial(lacks, url)) for url, supervisor in engines.items()}
        # One object: what was found out of an engine is remembered by its application.
        self._app: App = self._answer

    @property
    def app(self) -> App | None:
        """The application that has the least busy engine answer; None while no engine is ready."""
        return self._app if any(member.is_ready for member in self._members.values()) else None

    @property
    def engine(self) -> RunningEngine | None:
        """None: no engine of a pool is this process's own."""
        return None

    @property
    def abort_token(self) -> AbortToken | None:
        """None: answers of engines elsewhere are not continued."""
        return None

    @property
    def reason(self) -> str:
        """Why no engine is ready, or an empty string."""
        if self.app is not None:
            return ""
        reasons = [member.reason for member in self._members.values() if not member.drained]
        return next(filter(None, reasons), "all engines are drained")

    @property
    def members(self) -> list[Member]:
        """The engines as they are now, in the order of the settings."""
        return [
            Member(url, one.state, one.reason, one.outstanding, one.drained) for url, one in self._members.items()
        ]

    def drain(self, url: str, *, drained: bool) -> bool:
        """Have an engine get no more requests, or get them again; what it answers goes on. False if it is none."""
        member = self._members.get(url)
        if member is not None:
            member.drained = drained
        return member is not None

    async def run(self) -> None:
        """Keep all engines running until cancelled."""
        await asyncio.gather(*(member.supervisor.run() for member in self._members.values()))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the engine with the least outstanding requests answer; another one if it fails before it begins."""
        body = await read_body(receive, MAX_BODY_BYTES)
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        untried = [member for member in self._members.values() if member.is_ready]
        while untried:
            member = min(untried, key=lambda one: one.outstanding)
            untried.remove(member)
            app = member.supervisor.app
            if app is None:
                continue
            member.outstanding += 1
            try:
                return await app(scope, replay(body, receive), noted)
            except httpx.TransportError:
                if has_begun or not untried:
                    raise
            finally:
                member.outstanding -= 1
        raise EngineUnavailable("no engine is ready")


class SameModel:
    """Sees to it that all engines of a pool serve the same model: what one of them counts, another one answers."""

    def __init__(self) -> None:
        self._model: object = None

    async def check(self, engine: RunningEngine) -> None:
        """Raise EngineUnavailable if the engine serves another model than the one that was checked first."""
        response = await asgi_client.request(engine.app, "GET", "/v1/models")
        model = [(each.get("id"), each.get("max_model_len")) for each in (response.json() or {}).get("data", [])]
        self._model = self._model or model
        if model != self._model:
            raise EngineUnavailable("this engine serves another model than the other engines")
