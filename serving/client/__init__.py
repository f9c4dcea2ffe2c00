"""The Python client of the admin plane, typed, sync and async; the command line goes through it.

    from serving.client import AdminClient

It imports nothing of the server: a test compares it with the admin plane's OpenAPI description.
"""

from serving.client.asynchronous import AsyncAdminClient
from serving.client.connection import Connection
from serving.client.errors import (
    AdminError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotApplied,
    NotConfigured,
    NotFound,
    NotPermitted,
    Refused,
    StaleRevision,
    Unavailable,
    Unreachable,
)
from serving.client.synchronous import AdminClient

__all__ = [
    "AdminClient",
    "AdminError",
    "AsyncAdminClient",
    "BadAnswer",
    "Conflict",
    "Connection",
    "InvalidRequest",
    "NotApplied",
    "NotConfigured",
    "NotFound",
    "NotPermitted",
    "Refused",
    "StaleRevision",
    "Unavailable",
    "Unreachable",
]
