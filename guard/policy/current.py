"""The policy in force, and the task that keeps it up to date with the registry."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from guard.errors import PolicyUnavailable, StoreUnavailable, StoreUnreachable
from guard.policy.compiler import Compiler
from guard.policy.policy import Policy

log = logging.getLogger(__name__)

POLL_S = 1.0
MAX_RETRY_PAUSE_S = 30.0


class CurrentPolicy:
    """The policy in force: one reference, swapped at once; read it once for each request.

    `policy` is None until the first is compiled; `failure` is the class of the error that keeps it from being
    up to date, or "". `compared_at` is when the registry was last read with success, on the monotonic clock: a
    policy that was not compared with it for more than `max_staleness_s` seconds is not to be used.
    """

    def __init__(self, policy: Policy | None = None, max_staleness_s: float = math.inf) -> None:
        self.policy = policy
        self.failure = ""
        self.compared_at = time.monotonic()
        self._max_staleness_s = max_staleness_s

    @property
    def stale(self) -> bool:
        """Whether the registry could not be read for longer than is allowed."""
        return time.monotonic() - self.compared_at > self._max_staleness_s

    @property
    def healthy(self) -> bool:
        """Whether there is a policy, the last attempt to bring it up to date succeeded, and it is not stale."""
        return self.policy is not None and not self.failure and not self.stale

    @property
    def enforced_version(self) -> int:
        """The version of the registry that is enforced in full, -1 before the first."""
        return -1 if self.policy is None else self.policy.complete_version

    def required(self) -> Policy:
        """Return the policy; PolicyUnavailable when none is compiled yet, or it is stale."""
        if self.policy is None:
            raise PolicyUnavailable("the policy is being compiled")
        if self.stale:
            raise PolicyUnavailable("the registry cannot be reached")
        return self.policy


class Applier:
    """Keeps the current policy up to date with the registry.

    Any number of changes during one compilation cause one more. A large change comes into force in steps, between
    which later and smaller ones are taken up, see `Compiler.refresh`. Changes by other processes, and expiry, are
    seen within `poll_s` seconds. A failure leaves the policy as it is, makes `current.healthy` false, and is
    retried after increasing pauses of at most MAX_RETRY_PAUSE_S seconds, or at the next `notify`. A registry that
    cannot be reached is no failure until `current.stale`, and is tried again every `poll_s` seconds. `applied` is
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
        self._reaches_registry = True
        self._changed = asyncio.Event()
        self._applied = asyncio.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        # Threads of their own: what else the process does in threads holds up no policy.
        self._compiling = ThreadPoolExecutor(1, thread_name_prefix="policy")
        self._comparing = ThreadPoolExecutor(1, thread_name_prefix="policy-version")

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
        await asyncio.gather(self._apply_changes(), self._compare())

    async def _compare(self) -> None:
        """Read the registry's version now and then, since to compile a large change takes minutes."""
        loop = asyncio.get_running_loop()
        while True:
            began = time.monotonic()
            with contextlib.suppress(StoreUnavailable):
                await loop.run_in_executor(self._comparing, self._compiler.registry_version)
                if self._reaches_registry:
                    self._current.compared_at = began
            await asyncio.sleep(self._poll_s)

    async def _apply_changes(self) -> None:
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
        before, began = self._current.policy, time.monotonic()
        try:
            loop, now = asyncio.get_running_loop(), datetime.now(UTC)
            policy = await loop.run_in_executor(self._compiling, self._compiler.refresh, before, now)
        except StoreUnreachable as error:
            if self._reaches_registry:
                log.warning("the policy stays as it is until the registry can be reached: %s", error.message)
            self._reaches_registry = False
            return
        except Exception as error:
            self._current.failure = type(error).__name__
            log.warning("the policy stays as it is: %s", self._current.failure)
            return
        self._current.policy = policy
        self._current.failure = ""
        self._reaches_registry, self._current.compared_at = True, max(began, self._current.compared_at)
        if policy is not before:
            self._on_applied()
        async with self._applied:
            self._applied.notify_all()

    def _has_applied(self, version: int, targets: Collection[str]) -> bool:
        return self._current.policy is not None and self._current.policy.has_applied(version, targets)
