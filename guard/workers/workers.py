"""The server's view of its engine's workers: which are live, and which policy version all of them have loaded."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from guard.workers.acknowledgement import FOLDER_NAME, Acknowledgement, mark_of, read

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
NO_WORKER = "no engine worker has loaded the policy"


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
        # By the address of an engine, "" for all workers that are not known to be of one.
        self._current_at: dict[str, float] = {}
        self._address_of_mark: dict[str, str] = {}
        self._address_of_engine: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._polled = asyncio.Condition()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="workers")

    @property
    def live(self) -> list[Acknowledgement]:
        """The workers whose heartbeat is heard."""
        return self._live

    @property
    def version(self) -> int:
        """The policy version that all live workers have loaded; ANY where there are none, who cannot answer.

        Workers of engines that `unready_at` leaves out do not count, unless there are no others.
        """
        found = self._by_address()
        counted = [address for address in found if not address or not self._reason(address, found[address])]
        workers = [worker for address in counted or found for worker in found[address]]
        return min((worker.version for worker in workers), default=ANY)

    def unready(self) -> str:
        """Return why the workers cannot be relied on, or an empty string.

        Of engines whose workers are known (`test_of`), one is enough: `unready_at` leaves out the rest.
        """
        if not self._live:
            return NO_WORKER
        found = self._by_address()
        if others := found.pop("", []):
            return self._reason("", others)
        reasons = [self._reason(address, workers) for address, workers in found.items()]
        return "" if "" in reasons else reasons[0]

    def unready_at(self, address: str) -> str:
        """Return why the workers of the engine at this address cannot be relied on, or an empty string.

        It is empty too where it is not known which they are.
        """
        if address not in self._address_of_engine.values():
            return ""
        return self._reason(address, self._by_address().get(address, []))

    def test_of(self, address: str) -> Callable[[str], None]:
        """Return what takes the digests that a self-test of the engine at this address is about to name.

        Nobody else names them, so the workers that are asked for them are that engine's. What was known of it
        before is forgotten.
        """
        for known in (self._address_of_mark, self._address_of_engine):
            for key in [key for key, at in known.items() if at == address]:
                del known[key]

        def names(digest: str) -> None:
            self._address_of_mark[mark_of(digest)] = address

        return names

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
            self._note_current(time.monotonic())
            if self.version != before:
                self.changed()
            async with self._polled:
                self._polled.notify_all()
            is_behind = self.version < self._required() and not self.unready()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAST_POLL_S if is_behind else POLL_S):
                    await self._wake.wait()

    def _note_current(self, now: float) -> None:
        """Note which workers are whose, and which have loaded what is required."""
        for worker in self._live:
            for mark in worker.asked:
                if mark in self._address_of_mark:
                    self._address_of_engine[worker.engine] = self._address_of_mark[mark]
        found = self._by_address()
        self._current_at = {address: self._current_at.get(address, now) for address in found}
        for address, workers in found.items():
            if _version(workers) >= self._required():
                self._current_at[address] = now

    def _by_address(self) -> dict[str, list[Acknowledgement]]:
        found: dict[str, list[Acknowledgement]] = defaultdict(list)
        for worker in self._live:
            found[self._address_of_engine.get(worker.engine, "")].append(worker)
        return found

    def _reason(self, address: str, workers: Sequence[Acknowledgement]) -> str:
        """Return why these workers, of the engine at this address, cannot be relied on, or an empty string."""
        if not workers:
            return NO_WORKER
        if any(worker.failure for worker in workers):
            return "an engine worker cannot load the policy"
        if _missing(workers):
            return "a worker of the engine is lost"
        since = self._current_at.get(address)
        if _version(workers) < self._required() and since is not None and time.monotonic() - since > BEHIND_S:
            return "an engine worker enforces an earlier policy"
        return ""

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


def _version(workers: Sequence[Acknowledgement]) -> int:
    return min((worker.version for worker in workers), default=ANY)


def _missing(live: Sequence[Acknowledgement]) -> bool:
    """Whether an engine lacks a rank of those that sample."""
    ranks: dict[str, set[int]] = defaultdict(set)
    for worker in live:
        ranks[worker.engine].add(worker.rank)
    return any(not ranks[worker.engine].issuperset(range(worker.first, worker.ranks)) for worker in live)
