"""How far each webhook was told of the audit trail, shared by all servers: one of them tells it each event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guard.registry.database import Connection, Database

HELD_S = 60.0
"""How long a server may be the one that delivers without a sign of life; longer than an attempt takes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A server's turn to deliver: the last event and policy version delivered, and the attempts at the next."""

    seq: int
    enforced: int
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a webhook did not take, and why: a status or the class of an error."""

    webhook: str
    seq: int
    at: datetime
    attempts: int
    reason: str


class Deliveries:
    """The state of webhooks. Times are those of the database, so that clocks need not agree."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, webhook: str, enforced: int) -> None:
        """Let a webhook begin with the events that come from now on, unless it is known already."""
        with self._database.writing() as connection:
            connection.execute(
                """INSERT INTO webhooks (id, seq, enforced, attempts, retry_at, owner, held_until)
                   VALUES (?, (SELECT coalesce(max(seq), 0) FROM events), ?, 0, 0, '', 0)
                   ON CONFLICT (id) DO NOTHING""",
                (webhook, enforced),
            )

    def waits(self, webhook: str, enforced: int) -> bool:
        """Return whether there is anything to deliver now, where version `enforced` is. Writes nothing."""
        clock = self._database.clock
        with self._database.reading() as connection:
            found = connection.execute(
                f"""SELECT 1 FROM webhooks WHERE id = ? AND retry_at <= {clock}
                    AND (enforced < ? OR seq < (SELECT coalesce(max(seq), 0) FROM events))""",
                (webhook, enforced),
            ).fetchone()
        return found is not None

    def take(self, webhook: str, owner: str) -> Turn | None:
        """Return the turn of the server `owner`, for HELD_S seconds; None while another server has it."""
        clock = self._database.clock
        with self._database.writing() as connection:
            row = connection.execute(
                f"""SELECT seq, enforced, attempts FROM webhooks
                    WHERE id = ? AND retry_at <= {clock} AND (owner = ? OR held_until < {clock})""",
                (webhook, owner),
            ).fetchone()
            if row is None:
                return None
            connection.execute(
                f"UPDATE webhooks SET owner = ?, held_until = {clock} + {HELD_S} WHERE id = ?", (owner, webhook)
            )
        return Turn(*row)

    def delivered(self, webhook: str, owner: str, seq: int, enforced: int) -> None:
        """Record what was delivered, and go on holding the turn."""
        with self._database.writing() as connection:
            self._advance(connection, webhook, owner, seq, enforced)

    def failed(self, webhook: str, owner: str, attempts: int, pause_s: float) -> None:
        """Record that the next event was tried so often, and let it wait for `pause_s` seconds."""
        clock = self._database.clock
        with self._database.writing() as connection:
            connection.execute(
                f"""UPDATE webhooks SET attempts = ?, retry_at = {clock} + ?, held_until = 0
                    WHERE id = ? AND owner = ?""",
                (attempts, pause_s, webhook, owner),
            )

    def bury(self, letter: DeadLetter, owner: str, enforced: int) -> None:
        """Keep an event as a dead letter, and go on with the next."""
        with self._database.writing() as connection:
            connection.execute(
                """INSERT INTO dead_letters (webhook, seq, at, attempts, reason) VALUES (?, ?, ?, ?, ?)
                   ON CONFLICT (webhook, seq) DO UPDATE SET at = excluded.at, reason = excluded.reason""",
                (letter.webhook, letter.seq, letter.at.isoformat(), letter.attempts, letter.reason),
            )
            self._advance(connection, letter.webhook, owner, letter.seq, enforced)

    def position(self, webhook: str) -> int:
        """Return the `seq` of the last event that was delivered or buried; 0 for an unknown webhook."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT seq FROM webhooks WHERE id = ?", (webhook,)).fetchone()
        return row[0] if row else 0

    def dead_letters(self, webhook: str) -> list[DeadLetter]:
        """Return the dead letters of a webhook, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT webhook, seq, at, attempts, reason FROM dead_letters WHERE webhook = ? ORDER BY seq",
                (webhook,),
            ).fetchall()
        return [
            DeadLetter(w, seq, datetime.fromisoformat(at), tries, reason) for w, seq, at, tries, reason in rows
        ]

    def forget(self, webhook: str, seq: int) -> None:
        """Remove a dead letter that was delivered after all."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM dead_letters WHERE webhook = ? AND seq = ?", (webhook, seq))

    def _advance(self, connection: Connection, webhook: str, owner: str, seq: int, enforced: int) -> None:
        clock = self._database.clock
        connection.execute(
            f"""UPDATE webhooks SET seq = ?, enforced = ?, attempts = 0, retry_at = 0,
                held_until = {clock} + {HELD_S}
                WHERE id = ? AND owner = ?""",
            (seq, enforced, webhook, owner),
        )
