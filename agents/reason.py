"""How a request ended, and every reason it can have."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a request was answered or declined; for metrics and the operator, never for the client.

    Answered: `clean` the model's own answer, `composed` one merged from rewrites.
    Declined: every other.
    """

    CLEAN = "clean"
    COMPOSED = "composed"
    RATED_LOW = "rated_low"
    NO_REWRITE = "no_rewrite"
    LEAKED_AGAIN = "leaked_again"
    CONFIDENTIAL = "confidential"
    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"
    BUDGET = "budget"
    TIMED_OUT = "timed_out"
    FAULT = "fault"


class Withheld(Exception):
    """Nothing may be answered; ends the pipeline, never leaves it. `score` is what was too low, if anything."""

    def __init__(self, reason: Reason, score: float | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.score = score
