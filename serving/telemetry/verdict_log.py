"""The verdict log: which targets each request touched and what was or would have been done. Stores no text."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from guard.detection.detector import Match, TouchedBy
from guard.errors import StoreUnavailable
from guard.patterns.value_class import is_class
from guard.policy.plan import PlanKind
from guard.targets.target import ForgetTarget, Method, Mode
from serving.telemetry.metrics import Metrics

log = logging.getLogger("lethe")
MAX_ROWS = 100_000
MAX_AGE_S = 30 * 24 * 3600.0
MAX_WAITING = 10_000
WRITE_PERIOD_S = 0.2
MAX_PER_REQUEST = 50
_COLUMNS = "seq, at, request_id, target_id, revision, score, signals, kind, mode, touched_by"
_SCHEMA = """CREATE TABLE IF NOT EXISTS verdicts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, request_id TEXT NOT NULL, target_id TEXT NOT NULL,
    revision INTEGER NOT NULL, score REAL NOT NULL, signals TEXT NOT NULL, kind TEXT NOT NULL,
    mode TEXT NOT NULL, touched_by TEXT NOT NULL DEFAULT 'question')"""
# Files of versions that did not read answers lack it.
_ADDED = "ALTER TABLE verdicts ADD COLUMN touched_by TEXT NOT NULL DEFAULT 'question'"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target that a request touched; `kind` is what was done or, for a shadow target, would have been."""

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
            )
        )
    return found


class VerdictLog:
    """The latest verdicts in a SQLite file: at most `max_rows`, none older than `max_age_s` seconds.

    `add` puts verdicts in a queue that `run` writes from a thread. If the queue is full or the file cannot be
    written, they are dropped and counted: no request waits or fails. `page` raises StoreUnavailable.
    """

    def __init__(
        self, path: Path, metrics: Metrics, max_rows: int = MAX_ROWS, max_age_s: float = MAX_AGE_S
    ) -> None:
        self._path = path
        self._metrics = metrics
        self._max_rows = max_rows
        self._max_age_s = max_age_s
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
                with self._open() as connection:
                    self._write(connection, batch)
            except StoreUnavailable as error:
                self._metrics.count_dropped_verdicts(len(batch))
                log.error("verdicts were dropped: %s", error.message)

    def page(
        self, before: int | None = None, limit: int = 100, mode: Mode | None = None, target_id: str | None = None
    ) -> VerdictPage:
        """Return up to `limit` verdicts older than number `before`, newest first; of one mode or target."""
        self.flush()
        with self._open() as connection:
            rows = connection.execute(
                f"""SELECT {_COLUMNS} FROM verdicts WHERE (:before IS NULL OR seq < :before)
                    AND (:mode IS NULL OR mode = :mode) AND (:target IS NULL OR target_id = :target)
                    ORDER BY seq DESC LIMIT :limit""",
                {"before": before, "mode": mode, "target": target_id, "limit": limit + 1},
            ).fetchall()
        items = [_verdict(row) for row in rows[:limit]]
        return VerdictPage(items, items[-1].seq if len(rows) > limit else None)

    def by_hour(self, hours: int, now: float) -> list[int]:
        """Return how many verdicts there were in each of the last `hours` before `now`, the oldest hour first."""
        self.flush()
        with self._open() as connection:
            rows = connection.execute(
                "SELECT CAST((? - at) / 3600 AS INTEGER) AS ago, count(*) FROM verdicts WHERE at > ? GROUP BY ago",
                (now, now - hours * 3600),
            ).fetchall()
        counts = dict(rows)
        return [counts.get(ago, 0) for ago in reversed(range(hours))]

    def _write(self, connection: sqlite3.Connection, batch: Sequence[Verdict]) -> None:
        rows = [
            (*head, json.dumps(dict(v.signals)), v.kind, v.mode, v.touched_by)
            for v in batch
            for head in [(v.at, v.request_id, v.target_id, v.revision, v.score)]
        ]
        with connection:
            connection.executemany(
                f"INSERT INTO verdicts ({_COLUMNS.removeprefix('seq, ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
            newest = connection.execute("SELECT max(seq) FROM verdicts").fetchone()[0]
            connection.execute(
                "DELETE FROM verdicts WHERE seq <= ? OR at < ?",
                (newest - self._max_rows, time.time() - self._max_age_s),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            # Readable only by its owner, as the registry is.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(sqlite3.connect(self._path, timeout=5)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(_SCHEMA)
                columns = {row[1] for row in connection.execute("PRAGMA table_info(verdicts)")}
                if "touched_by" not in columns:
                    connection.execute(_ADDED)
                yield connection
        except (sqlite3.Error, OSError) as error:
            cause = getattr(error, "sqlite_errorname", None) or type(error).__name__
            raise StoreUnavailable(f"the verdicts' file cannot be used ({cause})") from None


def _verdict(row: Sequence[object]) -> Verdict:
    seq, at, request_id, target_id, revision, score, signals, kind, mode, touched_by = row
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
    )
