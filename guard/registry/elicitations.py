"""Elicitations: what a model was last found to say of each target, and which elicitations have not ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import orjson

from guard.errors import StoreUnavailable
from guard.registry.database import PROPOSALS, Connection, Database
from guard.registry.records import found_active, write_events
from guard.targets.audit_log import Action, acting
from guard.targets.elicitation import Elicitation, proposals_of
from guard.targets.target import ForgetTarget


class Elicitations:
    """The elicitations of a registry's active targets. Thread-safe; errors are those of `guard.errors`.

    What is kept of a target is removed when the target ends.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: str) -> Elicitation | None:
        """Return what a model said of an active target when it was last elicited, None if it was not.

        Raises `UnknownTarget`.
        """
        with self._database.reading() as connection:
            return _found(connection, found_active(connection, id, None).id)

    def keep(self, id: str, elicitation: Elicitation) -> None:
        """Store what a model says of an active target, in place of what was stored. Raises `UnknownTarget`."""
        with self._database.writing() as connection:
            _write(connection, found_active(connection, id, None), elicitation)
        self._database.scrub()

    def begin(self, id: str) -> None:
        """Note that the elicitation of an active target has begun. Raises `UnknownTarget`."""
        with self._database.writing() as connection:
            target = found_active(connection, id, None)
            connection.execute(
                "INSERT INTO open_elicitations (target_id) VALUES (?) ON CONFLICT DO NOTHING", (target.id,)
            )

    def end(self, id: str) -> None:
        """Note that it has ended."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM open_elicitations WHERE target_id = ?", (id,))

    def is_open(self, id: str) -> bool:
        """Return whether an elicitation of the target has begun and not ended: one that nobody runs was lost."""
        statement = "SELECT 1 FROM open_elicitations WHERE target_id = ?"
        with self._database.reading() as connection:
            return connection.execute(statement, (id,)).fetchone() is not None


def _write(connection: Connection, target: ForgetTarget, elicitation: Elicitation) -> None:
    """Write what a model said of a target in place of what one said before, and the audit event.

    The policy stays as it is.
    """
    connection.execute(
        """INSERT INTO elicitations (target_id, model, at, answers, proposals) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (target_id) DO UPDATE SET
             model = excluded.model, at = excluded.at, answers = excluded.answers,
             proposals = excluded.proposals""",
        (
            target.id,
            elicitation.model,
            elicitation.at.isoformat(),
            elicitation.answers,
            connection.texts.stored_part(connection, PROPOSALS, target.id, orjson.dumps(elicitation.proposals)),
        ),
    )
    write_events(connection, [replace(target, updated_at=elicitation.at)], Action.ELICITED, acting())


def _found(connection: Connection, id: str) -> Elicitation | None:
    """Return what a model said of a target when it was last elicited, if it was."""
    row = connection.execute(
        "SELECT model, at, answers, proposals FROM elicitations WHERE target_id = ?", (id,)
    ).fetchone()
    if row is None:
        return None
    model, at, answers, proposals = row
    try:
        return Elicitation(
            model=model,
            at=datetime.fromisoformat(at),
            answers=answers,
            proposals=proposals_of(orjson.loads(connection.texts.open_part(connection, PROPOSALS, id, proposals))),
        )
    except (ValueError, TypeError, KeyError):
        raise StoreUnavailable(f"the registry's elicitation of {id} cannot be read") from None
