"""What the data plane asks of the engine's soft matching for one request."""

from __future__ import annotations

import re
from collections.abc import Mapping

BIAS = "lethe_bias"

_MOST = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")


def biases(extra_args: Mapping[str, object] | None) -> tuple[str, ...]:
    """Return the digests of the biases that a request names in `lethe_bias`, divided by commas; none without it.

    Raises ValueError when it is malformed; the message holds nothing of it.
    """
    given = (extra_args or {}).get(BIAS, "")
    if given == "":
        return ()
    digests = tuple(given.split(",", _MOST)) if isinstance(given, str) else ()
    if not digests or len(digests) > _MOST or not all(map(_DIGEST.fullmatch, digests)):
        raise ValueError(f"{BIAS} must be at most {_MOST} digests, divided by commas")
    return digests
