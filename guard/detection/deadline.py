"""A bound on the time that a detection takes, which its thread looks at and others may bring forward."""

from __future__ import annotations

import math
import time
from typing import ClassVar

from guard.errors import LetheError


class DetectionTimeout(LetheError):
    """A conversation was not examined in time; it must not be answered as if nothing had been found."""

    code: ClassVar[str] = "detection_timeout"
    status: ClassVar[int] = 503


class Deadline:
    """`seconds` from its making on, or until it is cancelled. A thread cannot be stopped, so it has to look."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._end = time.monotonic() + seconds

    def cancel(self) -> None:
        """Make it pass now, as nobody waits any more; safe to call from any thread."""
        self._end = -math.inf

    def check(self) -> None:
        """Raise DetectionTimeout once it has passed."""
        if time.monotonic() >= self._end:
            raise DetectionTimeout("The request could not be examined in time.")
