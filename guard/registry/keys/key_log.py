"""The audit trail of who may do what: who created, rotated or revoked which key, and who switched the rule of
approval, as a hash chain of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

GENESIS = "0" * 64


class KeyAction(StrEnum):
    """What happened to a key, or to the rule of approval: whether changes take a second person."""

    CREATED = "created"
    ROTATED = "rotated"
    REVOKED = "revoked"
    APPROVAL_REQUIRED = "approval_required"
    APPROVAL_ENDED = "approval_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEvent:
    """One event. `digest` is the sha256, in hex, of the previous digest and this event.

    key_id  "" for the rule of approval, which is of no key
    """

    seq: int
    at: datetime
    action: KeyAction
    key_id: str
    actor: str
    digest: str = ""


def chained(previous: str, event: KeyEvent) -> KeyEvent:
    """Return `event` with the digest that follows `previous` (`GENESIS` before the first)."""
    members = {**asdict(event), "at": event.at.isoformat()}
    del members["digest"]
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return replace(event, digest=hashlib.sha256((previous + canonical).encode()).hexdigest())


def first_broken(events: Iterable[KeyEvent], after: int = 0, previous: str = GENESIS) -> int | None:
    """Return the first `seq` at which the chain of `events` is broken, None if it is intact; they follow the event
    `after`, whose digest is `previous`."""
    for seq, event in enumerate(events, start=after + 1):
        if event.seq != seq or chained(previous, event) != event:
            return seq
        previous = event.digest
    return None
