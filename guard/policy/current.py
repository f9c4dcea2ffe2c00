"""The policy in force, and the task that keeps it up to date with the registry."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from guard.errors import PolicyUnavailable
from guard.policy.compiler import Compiler
from guard.policy.policy import Policy

log = logging.getLogger(__name__)

POLL_S = 1.0
MAX_RETRY_PAUSE_S = 30.0


class CurrentPolicy:
    """The policy in force: one reference, swapped at once; read it once for each request.

    `policy` is None until the first is compiled; `failure` is the class of the error that keeps it from being
    up to date, or "".
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy
        self.failure = ""

    @property
    def healthy(self) -> bool:
        """Whether there is a policy and the last attempt to bring it up to date succeeded."""
        return self.policy is not None and not self.failure

    def required(self) -> Policy:
        """Return the policy; PolicyUnavailable when none is compiled yet."""
        if self.policy is None:
            raise PolicyUnavailable("the policy is being compiled")
        return self.policy


class Applier:
    """Keeps the current policy up to date with the registry.

    Any number of changes during one compilation cause one more. A large change comes into force in steps, between
    which later and smaller ones are taken up, see `Compiler.refresh`. Changes by other processes, and expiry, are
    seen within `poll_s` seconds. A failure leaves the policy as it is, makes `current.healthy` false, and is
    retried after increasing pauses of at most MAX_RETRY_PAUSE_S seconds, or at the next `notify`. `applied` is
    called whenever another policy has come into force.
    """

    def __init__(
        self,
        compiler: Compiler,
        current: CurrentPolicy,
        poll_s: float = POLL_S,
        applied: Callable[[], object] = lambda: None,
    ) -> None:
        self._compiler = compiler
        self._current = current
        self._poll_s = poll_s
        self._on_applied = applied
        self._changed = asyncio.Event()
        self._applied = asyncio.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None

    def notify(self) -> None:
        """Say, from any thread, that the registry has changed."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._changed.set)

    async def wait(self, version: int, timeout: float, targets: Collection[str] = ()) -> bool:
        """Return whether `version` or a later one is in force within `timeout` seconds.

        It is waited for in full, or until these `targets` are in force, whatever else is still to be embedded.
        """
        try:
            async with asyncio.timeout(timeout), self._applied:
                await self._applied.wait_for(lambda: self._has_applied(version, targets))
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Apply changes until cancelled."""
        self._loop = asyncio.get_running_loop()
        pause = self._poll_s
        while True:
            self._changed.clear()
            await self._apply()
            if self._embeds():
                continue
            pause = min(2 * pause, MAX_RETRY_PAUSE_S) if self._current.failure else self._poll_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    def _embeds(self) -> bool:
        """Whether the policy in force has targets to embed, and the last step succeeded."""
        return self._current.healthy and bool(self._current.required().lookup.pending)

    async def _apply(self) -> None:
        before = self._current.policy
        try:
            policy = await asyncio.to_thread(self._compiler.refresh, before, datetime.now(UTC))
        except Exception as error:
            self._current.failure = type(error).__name__
            log.warning("the policy stays as it is: %s", self._current.failure)
            return
        self._current.policy = policy
        self._current.failure = ""
        if policy is not before:
            self._on_applied()
        async with self._applied:
            self._applied.notify_all()

    def _has_applied(self, version: int, targets: Collection[str]) -> bool:
        return self._current.policy is not None and self._current.policy.has_applied(version, targets)
