"""Keeps this server on the list of replicas, and waits for the others to enforce a change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

from guard.errors import StoreUnavailable
from guard.registry.replicas import Replica, Replicas

log = logging.getLogger(__name__)

RENEW_PERIOD_S = 5.0
LEASE_MARGIN_S = 10.0
"""Seconds by which a lease is longer than a server may answer without the registry: two periods."""
RETRY_PERIOD_S = 1.0
"""Seconds after which a renewal that failed is tried again."""
WAIT_POLL_S = 0.1
"""Seconds between two looks at the list for those who wait; at first less, as most changes are quick."""
FIRST_WAIT_POLL_S = 0.005
BEHIND_S = 10.0
"""Seconds in which a server must enforce what another one enforces already."""

# Named here because `Lease.list` hides the built-in from the annotations of its class.
Listed = list[Replica]


class _Required(NamedTuple):
    """A version that another server enforced at the time `since`, on the monotonic clock."""

    version: int
    since: float


class Lease:
    """The lease of the server `own`, whose policy enforces `version()`, negative before the first policy.

    `shared` is whether other servers may use the registry: a server that is alone needs no lease to answer.
    """

    def __init__(
        self, replicas: Replicas, own: Replica, version: Callable[[], int], *, shared: bool = True
    ) -> None:
        self._replicas = replicas
        self._own = own
        self._version = version
        self._shared = shared
        self._changed = asyncio.Event()
        self._required = _Required(-1, 0.0)
        # The registry's version when this server came on the list, and until when it may answer by its lease.
        self._entered = -1
        self._ends = -math.inf
        self._period = min(RENEW_PERIOD_S, (own.lease_s - LEASE_MARGIN_S) / 3)
        # Threads of their own: what else the process does in threads holds up neither renewals nor those who wait.
        self._renewals = ThreadPoolExecutor(1, thread_name_prefix="lease")
        self._lists = ThreadPoolExecutor(1, thread_name_prefix="replicas")
        self._listing = asyncio.Lock()
        self._listed_at = -math.inf
        self._listed: Listed = []

    def unready(self) -> str:
        """Return why this server may not answer beside others, or an empty string.

        It may while its lease is renewed, unless another one has enforced a later version for more than BEHIND_S
        seconds. What was enforced everywhere before it came on the list, it must enforce at once.
        """
        if not self._shared:
            return ""
        if time.monotonic() > self._ends:
            return "this server is not on the list of replicas"
        version, required = self._version(), self._required
        is_behind = version < required.version and time.monotonic() - required.since > BEHIND_S
        return "other servers enforce a later policy" if is_behind or version < self._entered else ""

    def notify(self) -> None:
        """Say, in the event loop, that another version is enforced."""
        self._changed.set()

    async def run(self) -> None:
        """Renew the lease every RENEW_PERIOD_S seconds, sooner where a server may answer without the registry for
        less than three times that, and after each change of the version, until cancelled.

        An entry that an earlier process left is removed first. When this is cancelled the server must answer
        nothing any more: it is taken off the list, after a renewal that is on its way.
        """
        loop = asyncio.get_running_loop()
        failed = False
        try:
            while True:
                self._changed.clear()
                try:
                    await loop.run_in_executor(self._renewals, self._renew, self._version())
                    failed = False
                except StoreUnavailable as error:
                    if not failed:
                        log.warning("the lease of this replica is not renewed: %s", error.message)
                    failed = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(self._period, RETRY_PERIOD_S) if failed else self._period):
                        await self._changed.wait()
        finally:
            self._ends = -math.inf
            with contextlib.suppress(StoreUnavailable):
                await loop.run_in_executor(self._renewals, self._replicas.end, self._own.id)

    def _renew(self, version: int) -> None:
        if version < 0:
            if self._entered < 0:
                self._replicas.end(self._own.id)
            return
        began, own = time.monotonic(), replace(self._own, version=version)
        if self._entered < 0 or not self._replicas.renew(own):
            self._entered = self._replicas.enter(own)
        self._ends = began + own.lease_s - LEASE_MARGIN_S
        if version >= self._required.version:
            others = [one.version for one in self.list() if one.live and one.id != own.id]
            self._required = _Required(max(others, default=-1), time.monotonic())

    async def behind(self, version: int, timeout: float) -> Listed:
        """Return the other live replicas that do not enforce `version` within `timeout` seconds, if any."""
        if not self._shared:
            return []
        ends, pause = time.monotonic() + timeout, FIRST_WAIT_POLL_S
        while True:
            found = [one for one in await self._list() if one.live and one.version < version]
            others = [one for one in found if one.id != self._own.id]
            if not others or time.monotonic() >= ends:
                return others
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, WAIT_POLL_S)

    async def _list(self) -> Listed:
        """Return a list that is read from now on, once for all who wait for one."""
        asked = time.monotonic()
        async with self._listing:
            if self._listed_at < asked:
                began = time.monotonic()
                self._listed = await asyncio.get_running_loop().run_in_executor(self._lists, self.list)
                self._listed_at = began
            return self._listed

    def list(self) -> Listed:
        """Return all replicas. Blocks; raises `StoreUnavailable`."""
        return self._replicas.list()
