"""Keeps this server on the list of replicas, and waits for the others to enforce a change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from guard.errors import StoreUnavailable
from guard.registry.replicas import Replica, Replicas

log = logging.getLogger(__name__)

RENEW_PERIOD_S = 5.0
LEASE_MARGIN_S = 10.0
"""Seconds by which a lease is longer than a server may answer without the registry: two periods."""
WAIT_POLL_S = 0.1
BEHIND_S = 10.0
"""Seconds in which a server must enforce what another one enforces already."""


class _Required(NamedTuple):
    """A version that another server enforced at the time `since`, on the monotonic clock."""

    version: int
    since: float


class Lease:
    """The lease of the server `own`, whose policy enforces `version()`, negative before the first policy."""

    def __init__(self, replicas: Replicas, own: Replica, version: Callable[[], int]) -> None:
        self._replicas = replicas
        self._own = own
        self._version = version
        self._changed = asyncio.Event()
        self._required = _Required(-1, 0.0)

    def is_behind(self) -> bool:
        """Return whether another server has enforced a later version for more than BEHIND_S seconds."""
        required = self._required
        return self._version() < required.version and time.monotonic() - required.since > BEHIND_S

    def notify(self) -> None:
        """Say, in the event loop, that another version is enforced."""
        self._changed.set()

    async def run(self) -> None:
        """Renew the lease every RENEW_PERIOD_S seconds, and after each change of the version, until cancelled.

        The server must answer nothing any more then: it is taken off the list.
        """
        failed = False
        try:
            while True:
                self._changed.clear()
                try:
                    version = self._version()
                    if version >= 0:
                        await asyncio.to_thread(self._renew, version)
                    failed = False
                except StoreUnavailable as error:
                    if not failed:
                        log.warning("the lease of this replica is not renewed: %s", error.message)
                    failed = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RENEW_PERIOD_S):
                        await self._changed.wait()
        finally:
            with contextlib.suppress(StoreUnavailable):
                self._replicas.end(self._own.id)

    def _renew(self, version: int) -> None:
        self._replicas.renew(replace(self._own, version=version))
        if version >= self._required.version:
            others = [one.version for one in self.list() if one.live and one.id != self._own.id]
            self._required = _Required(max(others, default=-1), time.monotonic())

    async def behind(self, version: int, timeout: float) -> list[Replica]:
        """Return the other live replicas that do not enforce `version` within `timeout` seconds, if any."""
        ends = time.monotonic() + timeout
        while True:
            found = [one for one in await asyncio.to_thread(self.list) if one.live and one.version < version]
            others = [one for one in found if one.id != self._own.id]
            if not others or time.monotonic() >= ends:
                return others
            await asyncio.sleep(WAIT_POLL_S)

    def list(self) -> list[Replica]:
        """Return all replicas. Blocks; raises `StoreUnavailable`."""
        return self._replicas.list()
