"""What the data plane asks of an assistant for one request, beside its sampling parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from guard.validate import STRONGEST

ASSISTANT = "lethe_assistant"
ALPHA = "lethe_alpha"
FILTER = "lethe_filter"

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Subtraction(NamedTuple):
    """The assistant that a request names, and its strength and filter rate; None for the assistant's own."""

    digest: str
    alpha: float | None = None
    filter_rate: float | None = None

    @classmethod
    def read(cls, extra_args: Mapping[str, object] | None) -> Subtraction | None:
        """Return what a request's extra arguments ask for; None when they name no assistant.

        Raises ValueError when an argument is malformed: the caller must then close the row or refuse the
        request. The message holds nothing of the arguments.
        """
        given = extra_args or {}
        digest = given.get(ASSISTANT, "")
        alpha, rate = _number(given, ALPHA, STRONGEST), _number(given, FILTER, 1.0)
        if digest == "":
            return None
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise ValueError(f"{ASSISTANT} must be the digest of an assistant")
        return cls(digest, alpha, rate)


def _number(given: Mapping[str, object], name: str, most: float) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number")
    if not 0 <= value <= most:
        raise ValueError(f"{name} must be between 0 and {most:g}")
    return float(value)
