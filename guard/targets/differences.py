"""What one draft has and another has not, member by member."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum

from guard.patterns.pattern import Pattern
from guard.targets.target import Draft, Fact, ForgetTarget

FORBIDDEN = "forbidden"
"""Stands for the phrases that follow from all members, given and extracted."""
TEXTS = frozenset(
    {"name", "aliases", "facts", "passages", "phrases", "patterns", "exceptions", "distinguish", FORBIDDEN}
)
"""Members that hold texts of a target; the others are shown in clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A member in which two drafts differ: what goes, and what comes; of a single value both."""

    member: str
    removed: tuple[str, ...] = field(repr=False)
    added: tuple[str, ...] = field(repr=False)

    @property
    def is_text(self) -> bool:
        """Whether it tells what must be forgotten."""
        return self.member in TEXTS


def target_differences(before: ForgetTarget, after: ForgetTarget) -> list[Difference]:
    """Return the members in which the drafts of two targets differ, and last the phrases that only one forbids."""
    found = differences(before.draft, after.draft)
    removed = _without(before.forbidden, after.forbidden)
    added = _without(after.forbidden, before.forbidden)
    if removed or added:
        found.append(Difference(member=FORBIDDEN, removed=removed, added=added))
    return found


def differences(before: Draft, after: Draft) -> list[Difference]:
    """Return the members in which `after` differs from `before`, in their order. Lists are compared as sets, and
    one whose order alone has changed removes and adds nothing."""
    found = []
    for member in (each.name for each in fields(Draft)):
        old, new = getattr(before, member), getattr(after, member)
        if old != new:
            was, becomes = _values(old), _values(new)
            removed, added = _without(was, becomes), _without(becomes, was)
            found.append(Difference(member=member, removed=removed, added=added))
    return found


def _values(value: object) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(_written(each) for each in value)
    return (_written(value),)


def _written(value: object) -> str:
    if isinstance(value, Fact):
        return f"{value.question} {value.answer}".strip()
    if isinstance(value, Pattern):
        place = f"/{value.country}" if value.country else ""
        return f"{value.kind}{place}={value.value}"
    if isinstance(value, StrEnum):
        return value.value
    return "" if value is None else str(value)


def _without(values: tuple[str, ...], others: Iterable[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(value for value in values if value not in known)
