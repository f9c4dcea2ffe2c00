"""Bounds of a detection: of the windows that it reads, and of its time, which others may bring forward."""

from __future__ import annotations

import math
import time
from collections.abc import Sized
from typing import ClassVar

from guard.errors import LetheError, RequestRefused

MAX_WINDOWS = 2_048
"""A conversation of more windows (some 100,000 words) is refused: if only a part were read, the rest could hide
the question."""


class ConversationTooLong(RequestRefused):
    """A conversation of more windows than are examined."""

    code = "context_length_exceeded"


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


def check_length(windows: Sized) -> None:
    """Raise ConversationTooLong if there are more windows than are examined."""
    if len(windows) > MAX_WINDOWS:
        raise ConversationTooLong("The request is longer than can be examined. Please reduce its length.")
