"""How a request ended, and every reason it can have."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a request was answered or declined. For metrics and the operator, never for the client.

    `clean` (the model's own answer) and `composed` (merged from rewrites) are answers; all others are declines.
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


class Declined(Exception):
    """Raised inside the pipeline to decline the request; `score` is the score that was too low, if any."""

    def __init__(self, reason: Reason, score: float | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.score = score
