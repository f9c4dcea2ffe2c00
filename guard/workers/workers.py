"""The server's view of its engine's workers: which are live, and which policy version all of them have loaded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from guard.workers.acknowledgement import FOLDER_NAME, Acknowledgement, read

POLL_S = 0.25
FAST_POLL_S = 0.002
"""Seconds between two looks while a worker has not yet loaded the policy in force."""
SILENT_S = 10.0
"""Seconds without a heartbeat after which a worker is lost; one is due every second."""
KEPT_S = 60.0
"""Seconds after which the file of a worker that is lost is removed."""
BEHIND_S = 5.0
"""Seconds in which a worker must load the policy in force."""
ANY = sys.maxsize
"""The version that no worker lacks where there is none."""


@dataclass(slots=True)
class _Seen:
    """A file of an acknowledgement: its mark when it last changed, at `at`; whether it was seen to change."""

    mark: tuple[int, int]
    at: float
    acknowledgement: Acknowledgement
    live: bool


class Workers:
    """The workers that acknowledge in the policy folder `folder`; they should load the version `required()`.

    `changed` is called, in the event loop, whenever `version` has changed.
    """

    def __init__(self, folder: Path, required: Callable[[], int]) -> None:
        self.changed: Callable[[], object] = lambda: None
        self._folder = folder / FOLDER_NAME
        self._required = required
        self._seen: dict[str, _Seen] = {}
        self._is_first = True
        self._live: list[Acknowledgement] = []
        self._current_at = time.monotonic()
        self._wake = asyncio.Event()
        self._polled = asyncio.Condition()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workers")

    @property
    def live(self) -> list[Acknowledgement]:
        """The workers whose heartbeat is heard."""
        return self._live

    @property
    def version(self) -> int:
        """The policy version that all live workers have loaded; ANY where there are none, who cannot answer."""
        return min((worker.version for worker in self._live), default=ANY)

    def unready(self) -> str:
        """Return why the workers cannot be relied on, or an empty string."""
        if not self._live:
            return "no engine worker has loaded the policy"
        if any(worker.failure for worker in self._live):
            return "an engine worker cannot load the policy"
        if _missing(self._live):
            return "a worker of the engine is lost"
        if self.version < self._required() and time.monotonic() - self._current_at > BEHIND_S:
            return "an engine worker enforces an earlier policy"
        return ""

    def notify(self) -> None:
        """Say, in the event loop, that another version is required."""
        self._wake.set()

    async def acknowledged(self, version: int, timeout: float) -> bool:
        """Return whether all live workers have loaded `version` or a later one within `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self._polled:
                await self._polled.wait_for(lambda: self.version >= version)
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Look for acknowledgements until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            before = self.version
            self._live = await loop.run_in_executor(self._thread, self.poll)
            if self.version >= self._required():
                self._current_at = time.monotonic()
            if self.version != before:
                self.changed()
            async with self._polled:
                self._polled.notify_all()
            is_behind = 0 < time.monotonic() - self._current_at < BEHIND_S and self.version < self._required()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAST_POLL_S if is_behind else POLL_S):
                    await self._wake.wait()

    def poll(self) -> list[Acknowledgement]:
        """Return the live workers by their files now. For one thread at a time.

        A file that was there before the first look is that of a live worker once it changes.
        """
        now, found = time.monotonic(), set[str]()
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    found.add(entry.name)
                    with contextlib.suppress(OSError):
                        stat = os.stat(entry.path)
                        self._look(entry.name, (stat.st_ino, stat.st_mtime_ns), now)
        self._is_first = False
        for name in self._seen.keys() - found:
            del self._seen[name]
        live = []
        for name, seen in list(self._seen.items()):
            is_silent = now - seen.at > SILENT_S or seen.acknowledgement.is_gone
            if is_silent and now - seen.at > KEPT_S:
                (self._folder / name).unlink(missing_ok=True)
            if seen.live and not is_silent:
                live.append(seen.acknowledgement)
        return live

    def _look(self, name: str, mark: tuple[int, int], now: float) -> None:
        seen = self._seen.get(name)
        if seen is not None and seen.mark == mark:
            return
        acknowledgement = read(self._folder / name)
        if acknowledgement is not None:
            self._seen[name] = _Seen(mark, now, acknowledgement, seen is not None or not self._is_first)


def _missing(live: list[Acknowledgement]) -> bool:
    """Whether an engine lacks a rank of those that sample."""
    ranks: dict[str, set[int]] = defaultdict(set)
    for worker in live:
        ranks[worker.engine].add(worker.rank)
    return any(not ranks[worker.engine].issuperset(range(worker.first, worker.ranks)) for worker in live)
