"""The verdict log: which targets each request touched and what was or would have been done. Stores no text."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from guard.detection.detector import Match, TouchedBy
from guard.errors import StoreUnavailable
from guard.patterns.value_class import is_class
from guard.policy.plan import PlanKind
from guard.registry.database import Statements
from guard.targets.target import ForgetTarget, Method, Mode
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_file import VerdictFile

log = logging.getLogger("lethe")
MAX_ROWS = 100_000
MAX_AGE_S = 30 * 24 * 3600.0
MAX_WAITING = 10_000
WRITE_PERIOD_S = 0.2
MAX_PER_REQUEST = 50
SWEEP_PERIOD_S = 60.0
_COLUMNS = "seq, at, request_id, target_id, revision, score, signals, kind, mode, touched_by, server, canary"


class VerdictStore(Protocol):
    """Where verdicts are: a file of this server, or the registry's database, which other servers share."""

    def noting(self) -> AbstractContextManager[Statements]: ...

    def reading(self) -> AbstractContextManager[Statements]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target that a request touched; `kind` is what was done or, for a shadow target, would have been.

    `server` is the host and port of the server that answered; `canary`: the target had a canary share, in which
    the request fell if its mode is enforce.
    """

    at: float
    request_id: str
    target_id: str
    revision: int
    score: float
    signals: Mapping[str, float]
    kind: PlanKind
    mode: Mode
    seq: int = 0
    touched_by: TouchedBy = TouchedBy.QUESTION
    server: str = ""
    canary: bool = False


@dataclass(frozen=True, slots=True)
class SideCounts:
    """How many requests of one side of a canary share touched its target.

    plans     by what was done or, in shadow, would have been
    said      those of them that only the answer touched
    first_at  when the first did, in seconds since 1970; None for none
    """

    plans: Mapping[PlanKind, int]
    said: int
    first_at: float | None

    @property
    def requests(self) -> int:
        """All of them."""
        return sum(self.plans.values())


class VerdictPage(NamedTuple):
    """A page of verdicts, newest first; `next` is the cursor of the next page, None at the end."""

    items: list[Verdict]
    next: int | None


def would_be(target: ForgetTarget) -> PlanKind:
    """Return the kind of plan for a conversation that touches `target` alone, were it enforced."""
    methods = target.draft.methods
    if Method.DECLINE in methods:
        return PlanKind.DECLINE
    if Method.ALU in methods:
        return PlanKind.AGENTS
    if Method.ULD in methods:
        return PlanKind.SUBTRACT
    withholds = target.forbidden or target.draft.passages or any(map(is_class, target.draft.patterns))
    return PlanKind.RESTRICT if withholds else PlanKind.DECLINE


def verdicts_of(
    request_id: str, kind: PlanKind, matches: Sequence[Match], targets: Mapping[str, ForgetTarget]
) -> list[Verdict]:
    """Return the verdicts of a request whose plan is of `kind`: best first, MAX_PER_REQUEST at most."""
    now = time.time()
    found = []
    for match in matches[:MAX_PER_REQUEST]:
        target = targets[match.target_id]
        action = kind if match.mode is Mode.ENFORCE else would_be(target)
        signals = {name: value for name, value in asdict(match.signals).items() if isinstance(value, float)}
        found.append(
            Verdict(
                now,
                request_id,
                target.id,
                target.revision,
                match.score,
                signals,
                action,
                match.mode,
                touched_by=match.touched_by,
                canary=target.draft.canary is not None,
            )
        )
    return found


class VerdictLog:
    """The latest verdicts of all servers that share `store`: at most `max_rows`, none older than `max_age_s` s.

    `add` puts verdicts in a queue that `run` writes from a thread, as those of the server `server`. If the queue
    is full or the store cannot be written, they are dropped and counted: no request waits or fails. `page` raises
    StoreUnavailable.
    """

    def __init__(
        self,
        store: Path | VerdictStore,
        metrics: Metrics,
        max_rows: int = MAX_ROWS,
        max_age_s: float = MAX_AGE_S,
        server: str = "",
    ) -> None:
        self._store = VerdictFile(store) if isinstance(store, Path) else store
        self._metrics = metrics
        self._max_rows = max_rows
        self._max_age_s = max_age_s
        self._server = server
        self._next_sweep = 0.0
        self._queue: deque[Verdict] = deque()
        self._write_lock = threading.Lock()

    def add(self, verdicts: Sequence[Verdict]) -> None:
        """Queue `verdicts`."""
        room = MAX_WAITING - len(self._queue)
        self._queue.extend(verdicts[:room])
        if len(verdicts) > room:
            self._metrics.count_dropped_verdicts(len(verdicts) - room)

    async def run(self) -> None:
        """Write queued verdicts until cancelled, then write the rest."""
        try:
            while True:
                await asyncio.sleep(WRITE_PERIOD_S)
                if self._queue:
                    await asyncio.to_thread(self.flush)
        finally:
            self.flush()

    def flush(self) -> None:
        """Write queued verdicts now; drop those that cannot be written."""
        with self._write_lock:
            batch = [self._queue.popleft() for _ in range(len(self._queue))]
            if not batch:
                return
            try:
                with self._store.noting() as connection:
                    self._write(connection, batch)
            except StoreUnavailable as error:
                self._metrics.count_dropped_verdicts(len(batch))
                log.error("verdicts were dropped: %s", error.message)

    def page(
        self, before: int | None = None, limit: int = 100, mode: Mode | None = None, target_id: str | None = None
    ) -> VerdictPage:
        """Return up to `limit` verdicts older than number `before`, newest first; of one mode or target."""
        self.flush()
        oldest = time.time() - self._max_age_s
        wanted = {"at >= ?": oldest, "seq < ?": before, "mode = ?": mode, "target_id = ?": target_id}
        given = {condition: value for condition, value in wanted.items() if value is not None}
        where = " AND ".join(given)
        with self._store.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM verdicts WHERE {where} ORDER BY seq DESC LIMIT ?",
                (*given.values(), limit + 1),
            ).fetchall()
        items = [_verdict(row) for row in rows[:limit]]
        return VerdictPage(items, items[-1].seq if len(rows) > limit else None)

    def canary_sides(self, target_id: str) -> Mapping[Mode, SideCounts]:
        """Return what there was of a target while it had a canary share, by the mode that each request met."""
        self.flush()
        with self._store.reading() as connection:
            rows = connection.execute(
                """SELECT mode, kind, touched_by, count(*), min(at) FROM verdicts
                   WHERE target_id = ? AND canary = 1 AND at >= ? GROUP BY mode, kind, touched_by""",
                (target_id, time.time() - self._max_age_s),
            ).fetchall()
        return {mode: _side([row[1:] for row in rows if row[0] == mode]) for mode in Mode}

    def by_hour(self, hours: int, now: float) -> list[int]:
        """Return how many verdicts there were in each of the last `hours` before `now`, the oldest hour first."""
        self.flush()
        with self._store.reading() as connection:
            # Half less, and rounded: by CAST, PostgreSQL rounds and SQLite cuts off.
            rows = connection.execute(
                """SELECT CAST(round((? - at) / 3600 - 0.4999999) AS INTEGER) AS ago, count(*) FROM verdicts
                   WHERE at > ? GROUP BY ago""",
                (now, now - hours * 3600),
            ).fetchall()
        counts = dict(rows)
        return [counts.get(ago, 0) for ago in reversed(range(hours))]

    def _write(self, connection: Statements, batch: Sequence[Verdict]) -> None:
        rows = [
            (
                *head,
                json.dumps(dict(v.signals)),
                v.kind,
                v.mode,
                v.touched_by,
                v.server or self._server,
                int(v.canary),
            )
            for v in batch
            for head in [(v.at, v.request_id, v.target_id, v.revision, v.score)]
        ]
        connection.executemany(
            f"INSERT INTO verdicts ({_COLUMNS.removeprefix('seq, ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_PERIOD_S
        newest = connection.execute("SELECT max(seq) FROM verdicts").fetchone()[0]
        connection.execute(
            "DELETE FROM verdicts WHERE seq <= ? OR at < ?",
            (newest - self._max_rows, time.time() - self._max_age_s),
        )


def _verdict(row: Sequence[object]) -> Verdict:
    seq, at, request_id, target_id, revision, score, signals, kind, mode, touched_by, server, canary = row
    return Verdict(
        float(str(at)),
        str(request_id),
        str(target_id),
        int(str(revision)),
        float(str(score)),
        json.loads(str(signals)),
        PlanKind(str(kind)),
        Mode(str(mode)),
        int(str(seq)),
        TouchedBy(str(touched_by)),
        str(server),
        bool(canary),
    )


def _side(rows: Sequence[Sequence[Any]]) -> SideCounts:
    plans: dict[PlanKind, int] = {}
    for kind, _, count, _ in rows:
        plans[PlanKind(kind)] = plans.get(PlanKind(kind), 0) + count
    said = sum(count for _, touched_by, count, _ in rows if touched_by == TouchedBy.ANSWER)
    return SideCounts(plans, said, min((first for *_, first in rows), default=None))
