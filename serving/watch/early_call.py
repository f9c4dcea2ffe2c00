"""Detection overlaps prefill: a call of the engine that begins before its request is judged.

What a conversation says by words (names, phrases, values) is known at once, what it means only after its texts are
embedded. Where the words say nothing, the engine begins the answer as if the meaning said nothing either, and all
that it sends is kept until the request is judged. If that leads to the same call, the answer goes on from there;
if not, the call is aborted and nothing of it leaves. The engine has the prompt in its prefix cache by then.
"""

from __future__ import annotations

import asyncio
from collections import deque

from serving.answers.response import AnswerCut
from serving.http.asgi import App, Message, Receive, Scope, Send, read_body, replay
from serving.http.asgi_client import ABORT_S, json_scope
from serving.planner import PlannedRequest
from serving.protocol.allowed_values import allow_values
from serving.protocol.engine_body import engine_body
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest
from serving.telemetry.metrics import Metrics

MAX_RUNNING = 128
"""Requests in progress; with more the engine has a queue, in which a call that is aborted would delay others."""
MAX_TOUCHED = 0.25
"""Share of the last JUDGED requests that were touched though the words said nothing; above it most calls are begun
for nothing."""
JUDGED = 64
MAX_KEPT = 256
"""Messages of a call that are kept until its request is judged; the engine waits before it sends more."""
# The engine's routes that generate.
_GENERATING = frozenset({CHAT, COMPLETIONS})
# Of a body that the data plane has already limited.
_MAX_BODY_BYTES = 2**31


class Overlap:
    """Whether requests begin before they are judged: not while too many of them are touched or in progress."""

    def __init__(self, enabled: bool, metrics: Metrics) -> None:
        self._enabled = enabled
        self._metrics = metrics
        self._touched: deque[bool] = deque(maxlen=JUDGED)
        self._running = 0

    @property
    def may_begin(self) -> bool:
        """Whether the next request may."""
        few_touched = sum(self._touched) <= MAX_TOUCHED * JUDGED
        return self._enabled and few_touched and self._running <= MAX_RUNNING

    def enter(self) -> None:
        """Count a request as in progress."""
        self._running += 1

    def leave(self) -> None:
        """Count it as done."""
        self._running -= 1

    def judged(self, touched: bool) -> None:
        """Take note of whether a request was touched of which the words as they stand said nothing."""
        self._touched.append(touched)

    def count(self, kept: bool) -> None:
        """Count a call that was begun early."""
        self._metrics.count_early_call("kept" if kept else "dropped")


class EarlyCall:
    """An application in the engine's place for one request, whose call of the engine may begin early.

    It passes everything on to the engine, but the call that `begin` has made: who makes the same call gets that
    one's answer from its first message on. Any other call that generates, and `close`, abort it.
    """

    def __init__(self, engine: App, request: GenerationRequest, request_id: str, overlap: Overlap) -> None:
        self._engine = engine
        self._request = request
        self._id = request_id
        self._overlap = overlap
        self._call: _Call | None = None
        self._is_judged = False
        self._unnamed = False

    async def __aenter__(self) -> EarlyCall:
        self._loop = asyncio.get_running_loop()
        self._overlap.enter()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_judged = True
        try:
            await self._drop()
        finally:
            self._overlap.leave()

    def begin(self, planned: PlannedRequest) -> None:
        """Begin the call of a request whose words say nothing, under the plan for what touches nothing.

        Safe to call from any thread. Without effect once the request is judged or done.
        """
        self._loop.call_soon_threadsafe(self._begin, planned)

    def judged(self, planned: PlannedRequest) -> None:
        """Take note of the plan of the request: from now on its call may be answered, and begins no more."""
        self._is_judged = True
        if self._unnamed:
            self._overlap.judged(planned.plan.is_touched)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in _GENERATING:
            return await self._engine(scope, receive, send)
        body = await read_body(receive, _MAX_BODY_BYTES)
        call = self._call
        if call is None or scope["path"] != self._request.route or body != call.body:
            await self._drop()
            return await self._engine(scope, replay(body, receive), send)
        self._call = None
        self._overlap.count(kept=True)
        await call.answer(receive, send)

    def _begin(self, planned: PlannedRequest) -> None:
        if self._is_judged:
            return
        self._unnamed = True
        if self._overlap.may_begin:
            request = allow_values(self._request, planned.automata)
            body = engine_body(request, planned.plan)
            self._call = _Call(self._engine, json_scope(request.route, len(body), self._id), body)

    async def _drop(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._overlap.count(kept=False)
            await call.abort()


class _Call:
    """A call of the engine in a task of its own, which keeps what it sends until it is answered or aborted."""

    def __init__(self, engine: App, scope: Scope, body: bytes) -> None:
        self.body = body
        self._kept: deque[Message] = deque()
        self._receive: Receive | None = None
        self._send: Send | None = None
        self._decided = asyncio.Event()
        self._task = asyncio.ensure_future(engine(scope, replay(body, self._engine_receive), self._engine_send))

    async def answer(self, receive: Receive, send: Send) -> None:
        """Send what was kept, and then pass everything on until the call ends."""
        try:
            while self._kept:
                await send(self._kept.popleft())
        except BaseException:
            await self.abort()
            raise
        self._receive, self._send = receive, send
        self._decided.set()
        await self._task

    async def abort(self) -> None:
        """End the call as if its client had left, which makes an engine abort, and drop what it sent."""
        self._decided.set()
        try:
            await asyncio.wait({self._task}, timeout=ABORT_S)
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _engine_receive(self) -> Message:
        await self._decided.wait()
        return await self._receive() if self._receive is not None else {"type": "http.disconnect"}

    async def _engine_send(self, message: Message) -> None:
        if self._send is None and len(self._kept) >= MAX_KEPT:
            await self._decided.wait()
        if self._send is not None:
            await self._send(message)
        elif self._decided.is_set():
            raise AnswerCut
        else:
            self._kept.append(message)
