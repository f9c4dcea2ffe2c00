"""Forget targets of persons who do not exist."""

from __future__ import annotations

from datetime import UTC, datetime

from guard.targets.target import Draft, ForgetTarget, State


def target(name: str, *forbidden: str) -> ForgetTarget:
    """A stored target with these forbidden phrases."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return ForgetTarget(
        id=f"ft_{name.replace(' ', '')}",
        draft=Draft(name=name),
        state=State.ACTIVE,
        revision=1,
        forbidden=(name, *forbidden),
        created_at=now,
        updated_at=now,
    )
