"""The list of replicas: servers that share a registry, and the policy version that each enforces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from guard.registry.database import Database
from guard.registry.records import policy_version

KEPT_S = 24 * 3600.0
"""Seconds for which a replica that ended without a word stays on the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A server. It enforces every version up to `version`; `age_s` is the time since it last said so, in seconds.

    Its lease is longer than a server answers without the registry: once that has ended, nothing is answered by a
    policy older than the registry's.
    """

    id: str
    name: str
    version: int
    engine: str
    runner: str
    started_at: datetime
    lease_s: float
    age_s: float = 0.0

    @property
    def live(self) -> bool:
        """Whether its lease has not ended."""
        return self.age_s <= self.lease_s


class Replicas:
    """The replicas of a registry. Times are those of the database, so that clocks need not agree."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enter(self, replica: Replica) -> int:
        """Put the replica on the list, in place of an entry that it has; return the registry's version.

        Changes up to that version did not wait for it, and all later ones do. Raises `StoreUnavailable`.
        """
        clock = self._database.clock
        with self._database.writing() as connection:
            connection.execute(
                f"DELETE FROM replicas WHERE id = ? OR renewed_at < {clock} - {KEPT_S}", (replica.id,)
            )
            connection.execute(
                f"""INSERT INTO replicas (id, name, version, engine, runner, started_at, lease_s, renewed_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, {clock})""",
                (
                    replica.id,
                    replica.name,
                    replica.version,
                    replica.engine,
                    replica.runner,
                    replica.started_at.isoformat(),
                    replica.lease_s,
                ),
            )
            return policy_version(connection)

    def renew(self, replica: Replica) -> bool:
        """Renew the lease of a replica, with its version; return whether it was still on the list and live.

        One that was not must `enter` again. It is no change of the policy, waits for none, and may be lost if the
        database crashes. Raises `StoreUnavailable`.
        """
        clock = self._database.clock
        with self._database.noting() as connection:
            renewed = connection.execute(
                f"""UPDATE replicas SET version = ?, renewed_at = {clock}
                    WHERE id = ? AND renewed_at >= {clock} - lease_s RETURNING 1""",
                (replica.version, replica.id),
            )
            return renewed.fetchone() is not None

    def end(self, id: str) -> None:
        """Take a replica that answers nothing any more off the list."""
        with self._database.noting() as connection:
            connection.execute("DELETE FROM replicas WHERE id = ?", (id,))

    def list(self) -> list[Replica]:
        """Return all replicas, those that started first before the others."""
        age = f"{self._database.clock} - renewed_at"
        with self._database.reading() as connection:
            rows = connection.execute(
                f"""SELECT id, name, version, engine, runner, started_at, lease_s, {age}
                    FROM replicas ORDER BY started_at, id"""
            )
            return [
                Replica(
                    id=id,
                    name=name,
                    version=version,
                    engine=engine,
                    runner=runner,
                    started_at=datetime.fromisoformat(started_at),
                    lease_s=lease_s,
                    age_s=max(0.0, age_s),
                )
                for id, name, version, engine, runner, started_at, lease_s, age_s in rows
            ]
