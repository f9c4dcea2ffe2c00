"""What the data plane asks of the engine for one request, beside its sampling parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

POLICY = "lethe_policy"
AUTOMATA = "lethe_automata"
REWIND = "lethe_rewind"
AVOIDED = "lethe_avoided"
CLOSED = "closed"

_LONGEST_VERSION = 64
_MOST_AUTOMATA = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")
_IDS = re.compile(r"([0-9]{1,9}(,[0-9]{1,9})*)?")


class Rewind(NamedTuple):
    """How a row gives itself up where it heads into a phrase: by the id `token`; it must not begin with `avoided`.

    The id is one of the request's `stop_token_ids`, and says nothing by itself (see guard.rewinding).
    """

    token: int
    avoided: tuple[int, ...] = ()


class Terms(NamedTuple):
    """The policy version a request stands under, the automata it is restricted by, and whether it may only end."""

    policy: str
    digests: tuple[str, ...] = ()
    closed: bool = False
    rewind: Rewind | None = None

    @classmethod
    def read(cls, extra_args: Mapping[str, object] | None) -> Terms:
        """Return the terms in a request's extra arguments.

        Raises ValueError when `lethe_policy` is missing, or anything is malformed: the caller must then close
        the row or refuse the request. The message holds nothing of the arguments.
        """
        given = extra_args or {}
        policy, automata = given.get(POLICY), given.get(AUTOMATA)
        if not isinstance(policy, str) or not 0 < len(policy) <= _LONGEST_VERSION:
            raise ValueError(f"{POLICY} must be a string of 1 to {_LONGEST_VERSION} characters")
        if not isinstance(automata, str):
            raise ValueError(f"{AUTOMATA} must be a string")
        if automata in ("", CLOSED):
            return cls(policy, closed=automata == CLOSED)
        digests = tuple(automata.split(",", _MOST_AUTOMATA))
        if len(digests) > _MOST_AUTOMATA or not all(map(_DIGEST.fullmatch, digests)):
            raise ValueError(f"{AUTOMATA} must be at most {_MOST_AUTOMATA} digests, divided by commas")
        return cls(policy, digests, rewind=_rewind(given.get(REWIND), given.get(AVOIDED, "")))


def _rewind(token: object, avoided: object) -> Rewind | None:
    if token is None:
        return None
    if type(token) is not int or token < 0:
        raise ValueError(f"{REWIND} must be the id of a token")
    if not isinstance(avoided, str) or not _IDS.fullmatch(avoided):
        raise ValueError(f"{AVOIDED} must be ids of tokens, divided by commas")
    return Rewind(token, tuple(int(one) for one in avoided.split(",") if one))
