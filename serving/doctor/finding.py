"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check ended: `fail`: nothing is answered, or not all forgotten; `skip`: it was not made."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    detail  what was found; no key, and no text of a target
    advice  what to do, empty where nothing is
    page    the page, and the part of it, that says more
    """

    check: str
    level: Level
    detail: str
    advice: str = ""
    page: str = ""


def ok(check: str, detail: str) -> Finding:
    """Return the finding of a check that is content."""
    return Finding(check, Level.OK, detail)


def gravest(check: str, detail: str, faults: Sequence[Finding]) -> Iterable[Finding]:
    """Return the faults of one check, or that it is content."""
    return faults or [ok(check, detail)]
