"""Whether changes of what is enforced take a second person: one rule for all servers of a registry."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from guard.errors import StaleRevision, StoreUnavailable
from guard.registry.database import Connection, Database
from guard.registry.keys.key_log import KeyAction
from guard.registry.keys.store import write_event


class Approval(StrEnum):
    """What a change of what is enforced takes: nobody else, or the approval of another person."""

    NONE = "none"
    FOUR_EYES = "four_eyes"


_ACTIONS = {Approval.FOUR_EYES: KeyAction.APPROVAL_REQUIRED, Approval.NONE: KeyAction.APPROVAL_ENDED}


class ApprovalRule:
    """The rule of a registry, which each server reads anew for each change. Thread-safe.

    It is stored beside the policy version, so that no server has one of its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Approval:
        """Return the rule that is in force."""
        with self._database.reading() as connection:
            return found_rule(connection)

    def write(self, approval: Approval) -> bool:
        """Put a rule into force, at all servers from their next change on; return whether it is another one.

        The trail of keys has an event of that, by who acts in this context.
        """
        with self._database.writing() as connection:
            (stored,) = connection.execute("SELECT approval FROM policy").fetchone()
            # One that is not known is replaced too: this is the only way out of it.
            if stored == approval.value:
                return False
            connection.execute("UPDATE policy SET approval = ?", (approval.value,))
            write_event(connection, _ACTIONS[approval], datetime.now(UTC))
        return True


def refuse_other_rule(connection: Connection, rule: Approval | None) -> None:
    """Raise StaleRevision if `rule` is in force no more; None is any rule."""
    if rule is not None and found_rule(connection) is not rule:
        raise StaleRevision("the rule of approval has changed meanwhile: repeat it")


def found_rule(connection: Connection) -> Approval:
    """Return the rule of a registry. Raises StoreUnavailable for one that is not known."""
    try:
        return Approval(connection.execute("SELECT approval FROM policy").fetchone()[0])
    except ValueError:
        raise StoreUnavailable("the registry's rule of approval cannot be read") from None
