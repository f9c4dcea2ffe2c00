"""Request headers, and the id of a request: the client's own, or one of ours."""

from __future__ import annotations

import re

from ulid import ULID

from serving.http.asgi import Scope

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def header_of(scope: Scope, wanted: bytes) -> bytes:
    """Return the first header of this name, in lower case; empty if there is none."""
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def request_id_of(scope: Scope) -> str:
    """Return the client's `x-request-id` if it is of REQUEST_ID's form, or a new id."""
    given = header_of(scope, b"x-request-id").decode("latin-1")
    return given if REQUEST_ID.fullmatch(given) else f"req-{ULID()}"
