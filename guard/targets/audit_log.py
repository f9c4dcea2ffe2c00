"""The audit trail: what was done to which target, as a hash chain, so that an alteration is detected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """What happened to a target.

    Some change nothing that is enforced: `elicited`, the model was asked what it says of it; `revealed`, somebody
    read its texts on a page; `proposed`, a change of it was proposed; `approved` and `rejected`, a second person
    decided that. What an approval brings into force is the event after it.
    """

    ADDED = "added"
    CHANGED = "changed"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ELICITED = "elicited"
    REVEALED = "revealed"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class Actor(StrEnum):
    """Who acted: the holder of the configured admin key, the clock, a server by its settings as it starts, or a
    command on the database itself, named with the account that ran it. Other keys act by their ids."""

    ADMIN = "admin"
    CLOCK = "clock"
    SETTINGS = "settings"
    COMMAND = "command"


_acting: ContextVar[str] = ContextVar("acting", default=Actor.ADMIN)


def acting() -> str:
    """Return who acts in this context: the tasks and threads that a request starts act for its caller."""
    return str(_acting.get())


@contextmanager
def acting_as(actor: str) -> Iterator[None]:
    """Act as `actor` within the block."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, without any text. `digest` is the sha256, in hex, of the previous digest and this event.

    proposer  who had proposed what was approved or rejected; "" where one person acted alone
    """

    seq: int
    at: datetime
    action: Action
    target_id: str
    revision: int
    policy_version: int
    actor: str
    digest: str = ""
    proposer: str = ""


GENESIS = "0" * 64


def chained(previous: str, event: Event) -> Event:
    """Return `event` with the digest that follows `previous` (`GENESIS` before the first)."""
    members = {
        "action": event.action,
        "actor": event.actor,
        "at": event.at.isoformat(),
        "policy_version": event.policy_version,
        "revision": event.revision,
        "seq": event.seq,
        "target_id": event.target_id,
    }
    if event.proposer:
        # Left out elsewhere, so that digests of trails before there were proposers stay what they are.
        members["proposer"] = event.proposer
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return replace(event, digest=hashlib.sha256((previous + canonical).encode()).hexdigest())


def first_broken(events: Iterable[Event], after: int = 0, previous: str = GENESIS) -> int | None:
    """Return the first `seq` at which the chain of `events` is broken, None if it is intact.

    They follow the event whose `seq` is `after` and whose digest is `previous`; by default they start the trail.
    """
    for seq, event in enumerate(events, start=after + 1):
        if event.seq != seq or chained(previous, event) != event:
            return seq
        previous = event.digest
    return None
