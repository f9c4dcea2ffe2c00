"""All errors of the client, as one tree; `code` is the admin plane's own where it refused.

AdminError
├── NotConfigured       no key, or no usable address, in the environment
├── Unreachable         no answer came; a change may have been made all the same
├── BadAnswer           an answer that is none of the admin plane's
└── Refused             the admin plane answered with a problem (RFC 9457)
    ├── InvalidRequest    400, 413, 415, 422, 428
    ├── NotPermitted      401, 403
    ├── NotFound          404, 405
    ├── Conflict          409
    ├── StaleRevision     412: the target was changed since it was read
    ├── NotApplied        504: stored, and not enforced in time; do not repeat it
    └── Unavailable       429, 500, 503

docs/errors.md and docs/admin-plane.md list the codes. Messages never contain the key or text of a target.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import httpx


class AdminError(Exception):
    """The admin plane refused, or could not be reached; `code` is stable, `detail` says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class NotConfigured(AdminError):
    """The environment has no key, or one or an address that cannot be used."""


class Unreachable(AdminError):
    """No answer came. Whether a change was made is not known, unless the method only reads."""

    def __init__(self, detail: str) -> None:
        super().__init__("unreachable", detail)


class BadAnswer(AdminError):
    """Somebody else answers at this address, or an admin plane of another version."""

    def __init__(self, detail: str) -> None:
        super().__init__("unexpected_answer", detail)


class Refused(AdminError):
    """The admin plane refused.

    status    of the answer
    faults    what is wrong with which member of the request, by its path
    instance  the path of what was stored nevertheless, or ""
    """

    def __init__(
        self, status: int, code: str, detail: str, faults: Mapping[str, str] | None = None, instance: str = ""
    ) -> None:
        super().__init__(code, detail)
        self.status = status
        self.faults = faults or {}
        self.instance = instance


class InvalidRequest(Refused):
    """The request is not of the documented form; `faults` names each member."""


class NotPermitted(Refused):
    """The key is missing or wrong, or may not do this."""


class NotFound(Refused):
    """There is no such target, assistant or route."""


class Conflict(Refused):
    """What is there already stands against it."""


class StaleRevision(Refused):
    """The target was changed since it was read: read it again, and repeat the change with its revision."""


class NotApplied(Refused):
    """The change is stored, and not enforced in time. Do not repeat it: `policy()` tells when it is."""


class Unavailable(Refused):
    """The server cannot answer now."""


BY_STATUS: Mapping[int, type[Refused]] = {
    HTTPStatus.BAD_REQUEST: InvalidRequest,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: InvalidRequest,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: InvalidRequest,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidRequest,
    HTTPStatus.PRECONDITION_REQUIRED: InvalidRequest,
    HTTPStatus.UNAUTHORIZED: NotPermitted,
    HTTPStatus.FORBIDDEN: NotPermitted,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.PRECONDITION_FAILED: StaleRevision,
    HTTPStatus.GATEWAY_TIMEOUT: NotApplied,
    HTTPStatus.TOO_MANY_REQUESTS: Unavailable,
    HTTPStatus.INTERNAL_SERVER_ERROR: Unavailable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}


def error_of(response: httpx.Response) -> AdminError:
    """Return the error that a response stands for; BadAnswer if it is no problem of the admin plane."""
    try:
        problem = response.json()
        faults = {str(fault["field"]): str(fault["detail"]) for fault in problem.get("errors") or ()}
        code, detail = str(problem["code"]), str(problem.get("detail") or problem["title"])
        instance = str(problem.get("instance") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return BadAnswer(f"the admin plane answered {response.status_code}")
    kind = BY_STATUS.get(response.status_code, Refused)
    return kind(response.status_code, code, detail, faults, instance)
