"""One exchange with the admin plane: what is sent, when it is sent again, and what comes of the answer.

Shared by both clients, which only send and sleep.
"""

from __future__ import annotations

from typing import Any, TypeVar

import httpx

from serving.client.connection import Connection
from serving.client.errors import AdminError, BadAnswer, Unreachable, error_of
from serving.client.operation import Operation
from serving.http.tls import UNTRUSTED, is_untrusted

T = TypeVar("T")

TIMEOUT_S = 60.0
"""Seconds for an answer, besides those that the server was told to wait."""
DELAYS_S = (0.1, 0.5)
"""Before the second and the third try."""
MAX_RETRY_AFTER_S = 5.0
_PASSING = frozenset({429, 502, 503})
_GONE = frozenset({404, 412})


def arguments(operation: Operation[Any]) -> dict[str, Any]:
    """Return the arguments of httpx's `request`."""
    return {
        "method": operation.method,
        "url": operation.url,
        "params": operation.params,
        "headers": operation.headers,
        "timeout": operation.wait_s + TIMEOUT_S,
    } | ({} if operation.body is None else {"json": operation.body})


def delay_of(operation: Operation[Any], tries: int, came: httpx.Response | httpx.HTTPError) -> float | None:
    """Return the seconds after which it is sent again, or None: what came is the outcome, or it is not safe.

    What was never sent is sent again; what was is only if it reads, or names the revision that it changes.
    """
    if tries > len(DELAYS_S) or (is_lost(came) and not operation.is_safe):
        return None
    if isinstance(came, httpx.HTTPError):
        is_final = is_untrusted(came) or not isinstance(came, httpx.TransportError)
        waited = isinstance(came, httpx.TimeoutException)
        return None if is_final or waited else DELAYS_S[tries - 1]
    if came.status_code not in _PASSING or not operation.is_safe:
        return None
    asked = came.headers.get("retry-after", "")
    return min(float(asked), MAX_RETRY_AFTER_S) if asked.isdecimal() else DELAYS_S[tries - 1]


def is_lost(came: httpx.Response | httpx.HTTPError) -> bool:
    """Return whether the request may have arrived, though no answer did."""
    return isinstance(came, httpx.HTTPError) and not isinstance(came, httpx.ConnectError | httpx.ConnectTimeout)


def outcome(
    connection: Connection, operation: Operation[T], came: httpx.Response | httpx.HTTPError, *, was_lost: bool
) -> T:
    """Return what the operation is answered. Raises AdminError.

    was_lost  whether the answer of an earlier try was lost, which may have made the change
    """
    if isinstance(came, httpx.HTTPError):
        raise _unreachable(connection, came)
    if came.is_error:
        if was_lost and came.status_code in _GONE and not operation.only_reads:
            raise Unreachable(
                "the answer was lost, and the target has been changed: read it to see whether by this"
            )
        raise error_of(came)
    try:
        return operation.read(came.content)
    except ValueError:
        raise BadAnswer(f"the admin plane at {connection.place} is of another version, or is none") from None


def _unreachable(connection: Connection, error: httpx.HTTPError) -> AdminError:
    cause = UNTRUSTED if is_untrusted(error) else type(error).__name__
    return Unreachable(f"the admin plane at {connection.place} cannot be reached ({cause})")
