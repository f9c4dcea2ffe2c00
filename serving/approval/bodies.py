"""The JSON bodies of approval."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from guard.registry.approval.proposed import MAX_REASON_CHARS, ChangeKind, ChangeState, ProposedChange


class RejectionIn(BaseModel):
    """Why what is proposed does not come into force."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: str = Field("", max_length=MAX_REASON_CHARS, description="Shown in clear, so no text of the target.")


class ProposedOut(BaseModel):
    """A change of a target that waits for a second person, or was rejected last."""

    change: ChangeKind
    state: ChangeState
    revision: int = Field(description="What `If-Match` names where it is approved or rejected.")
    proposer: str = Field(description="As the audit trail names them.")
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str


class DifferenceOut(BaseModel):
    """A member in which what is proposed differs from what is in force: what goes, and what comes."""

    member: str
    removed: list[str]
    added: list[str]


def proposed_of(change: ProposedChange) -> ProposedOut:
    """Return the response body of a proposed change."""
    return ProposedOut(
        change=change.kind,
        state=change.state,
        revision=change.revision,
        proposer=change.proposer.actor,
        proposed_at=change.proposed_at,
        decided_by=change.decided_by or None,
        decided_at=change.decided_at,
        reason=change.reason,
    )
