"""Roles and their rights, and who the caller of a request is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from guard.errors import LetheError
from guard.registry.approval.proposed import Person
from guard.registry.keys.key import Role
from guard.registry.rows.names import folded_name
from guard.targets.audit_log import Actor
from guard.targets.target import Draft


class Right(StrEnum):
    """What a caller may do.

    read     see targets with their texts masked, the policy, servers, assistants, verdicts and metrics
    reveal   see the texts of targets, and try texts against them, which finds out what they are
    edit     add, change and revoke targets in shadow, elicit, and train assistants
    enforce  do the same to enforced targets, enforce one, serve assistants, drain engines, and send webhooks again
    audit    see the audit trails and the list of keys
    keys     create, rotate and revoke keys
    """

    READ = "read"
    REVEAL = "reveal"
    EDIT = "edit"
    ENFORCE = "enforce"
    AUDIT = "audit"
    KEYS = "keys"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.READER: frozenset({Right.READ}),
    Role.EDITOR: frozenset({Right.READ, Right.REVEAL, Right.EDIT}),
    Role.APPROVER: frozenset({Right.READ, Right.REVEAL, Right.EDIT, Right.ENFORCE, Right.AUDIT}),
    Role.AUDITOR: frozenset({Right.READ, Right.AUDIT}),
}


class NotAllowed(LetheError):
    """The caller is known and lacks the right."""

    code = "not_allowed"
    status = 403


class NeedsApprover(NotAllowed):
    """What is asked changes what is enforced, and the caller may only prepare it."""

    code = "needs_approver"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: as the audit trail names them, with their rights, and until when these hold, if ever.

    key_id  of the key, "" for the configured one and for bearer tokens of an identity provider
    name    of the key, or the subject of the token
    secret_digest  of the secret of the key that was given
    """

    actor: str
    rights: frozenset[Right] = field(repr=False)
    key_id: str = ""
    until: datetime | None = None
    name: str = ""
    secret_digest: str = field(default="", repr=False)

    @property
    def person(self) -> Person:
        """Who this is where two persons must agree: keys of one name, whatever its case or accents, are of one
        person, and so is a token whose subject is that name."""
        return Person(self.actor, folded_name(self.name or self.actor))

    def may(self, right: Right) -> bool:
        """Return whether the caller has a right."""
        return right in self.rights

    def may_change(self, draft: Draft) -> bool:
        """Return whether the caller may change a target as it is."""
        return self.may(Right.ENFORCE if draft.changes_answers else Right.EDIT)

    def require(self, right: Right) -> None:
        """Raise NotAllowed unless the caller has a right."""
        if right not in self.rights:
            raise NotAllowed(f"this takes the right to {right}, which your role does not have")

    def require_enforce(self, drafts: Iterable[Draft]) -> None:
        """Raise NeedsApprover if any of these targets, as they are or as they are to be, is enforced, if only for
        a canary share, and the caller has not the right to enforce."""
        if self.may(Right.ENFORCE):
            return
        if any(draft.changes_answers for draft in drafts):
            raise NeedsApprover(
                "what is enforced, if only for a canary share, is changed by approvers: give the target the mode "
                "shadow and no share, or ask one of them",
                field="mode",
            )


OWNER = Caller(Actor.ADMIN, frozenset(Right))
"""The holder of the configured admin key."""
