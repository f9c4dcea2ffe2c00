"""What the data plane asks of the engine for one request, beside its sampling parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

POLICY = "lethe_policy"
AUTOMATA = "lethe_automata"
CLOSED = "closed"

_LONGEST_VERSION = 64
_MOST_AUTOMATA = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Terms(NamedTuple):
    """The policy version a request stands under, the automata it is restricted by, and whether it may only end."""

    policy: str
    digests: tuple[str, ...] = ()
    closed: bool = False

    @classmethod
    def read(cls, extra_args: Mapping[str, object] | None) -> Terms:
        """Return the terms in a request's extra arguments.

        Raises ValueError when `lethe_policy` is missing, or either is malformed: the caller must then close
        the row or refuse the request. The message holds nothing of the arguments.
        """
        policy, automata = (extra_args or {}).get(POLICY), (extra_args or {}).get(AUTOMATA)
        if not isinstance(policy, str) or not 0 < len(policy) <= _LONGEST_VERSION:
            raise ValueError(f"{POLICY} must be a string of 1 to {_LONGEST_VERSION} characters")
        if not isinstance(automata, str):
            raise ValueError(f"{AUTOMATA} must be a string")
        if automata in ("", CLOSED):
            return cls(policy, closed=automata == CLOSED)
        digests = tuple(automata.split(",", _MOST_AUTOMATA))
        if len(digests) > _MOST_AUTOMATA or not all(map(_DIGEST.fullmatch, digests)):
            raise ValueError(f"{AUTOMATA} must be at most {_MOST_AUTOMATA} digests, divided by commas")
        return cls(policy, digests)
