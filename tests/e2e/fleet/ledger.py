"""What was asked of a fleet, what it acknowledged and what it answered, and the two compared."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What a server said of a change: it is enforced everywhere, it is stored, or nothing certain."""

    APPLIED = "applied"
    STORED = "stored"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Change:
    """A target with the phrase `phrase` was added, or revoked: asked at `begun`, said at `ended`. `target` is its
    id, empty for an addition of unknown outcome."""

    is_addition: bool
    target: str
    phrase: str
    begun: float
    ended: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server `by`; `broken` if its stream ended without an end."""

    text: str
    begun: float
    ended: float
    by: str
    broken: bool = False


class Leak(NamedTuple):
    """An answer that says the phrase of a target, which was enforced everywhere before it was asked for."""

    answer: Answer
    addition: Change


def unrecorded(changes: Iterable[Change], trail: Collection[tuple[str, str]]) -> list[Change]:
    """Return the acknowledged changes that are not in `trail`, the audit trail's pairs of action and target."""
    actions = {True: "added", False: "revoked"}
    return [
        change
        for change in changes
        if change.outcome is not Outcome.UNKNOWN and (actions[change.is_addition], change.target) not in trail
    ]


def lost(changes: Iterable[Change], states: Mapping[str, str]) -> list[Change]:
    """Return the acknowledged changes that are not in `states`, the state of each stored target by id."""
    found = []
    revoked = {change.target: change for change in changes if not change.is_addition}
    for change in changes:
        if change.outcome is Outcome.UNKNOWN:
            continue
        if change.is_addition:
            is_kept = change.target in revoked or states.get(change.target) == "active"
            if change.target not in states or not is_kept:
                found.append(change)
        elif states.get(change.target) != "revoked":
            found.append(change)
    return found


def leaks(changes: Sequence[Change], answers: Iterable[Answer]) -> list[Leak]:
    """Return the answers that say a phrase that was enforced everywhere before they were asked for, and that
    nobody had begun to revoke when they had ended."""
    # Of several revocations of a target the last: those before, of unknown outcome, were found not to be stored.
    ends = {change.target: change.begun for change in changes if not change.is_addition}
    enforced = defaultdict(list)
    for change in changes:
        if change.is_addition and change.outcome is Outcome.APPLIED:
            enforced[change.phrase].append(change)
    # As a word: what begins with it and goes on is another one.
    words = {phrase: re.compile(rf"\b{re.escape(phrase)}\b", re.IGNORECASE) for phrase in enforced}
    return [
        Leak(answer, change)
        for answer in answers
        for phrase, additions in enforced.items()
        if words[phrase].search(answer.text)
        for change in additions
        if change.ended < answer.begun and answer.ended < ends.get(change.target, float("inf"))
    ]
