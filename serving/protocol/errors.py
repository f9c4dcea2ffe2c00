"""OpenAI's error envelope, for our own errors and for whatever the engine says went wrong.

The engine's messages may quote the request, so they never pass: a client gets the status, the field and our words.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from guard.errors import LetheError, RequestRefused

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
WORDS = {
    400: (
        "invalid_value",
        "The engine refused the request: a value is invalid or unsupported by this model.",
    ),
    404: ("model_not_found", "The model named in the request is not served here."),
    413: ("body_too_large", "The request body is too large."),
    422: ("invalid_value", "The engine refused the request: a value is invalid."),
    429: ("rate_limited", "Too many requests."),
    501: ("not_implemented", "The engine does not implement what was asked for."),
}
ROW_FAILURE = "Internal server error"
SERVER_ERROR = ("engine_error", "The engine failed to answer.")


class Failure(NamedTuple):
    """An HTTP status and the error object that goes with it."""

    status: int
    body: dict[str, Any]


def failure(status: int, code: str, message: str, param: str | None = None) -> Failure:
    """The envelope of one error; all four members are always present."""
    kind = TYPES.get(status, "server_error")
    return Failure(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def of(error: LetheError) -> Failure:
    """The envelope of one of our own errors."""
    status = error.status if isinstance(error, RequestRefused) or error.status >= 500 else 400
    return failure(status, error.code, error.message, error.field)


def from_engine(status: int, body: bytes) -> Failure:
    """The envelope of an engine's error answer, with its status and its field but none of its text."""
    status = status if 400 <= status < 600 else 500
    code, message = WORDS.get(status, SERVER_ERROR if status >= 500 else WORDS[400])
    error = _error(body)
    if status == 400 and "context length" in str(error.get("message")):
        code, message = "context_length_exceeded", "The request is longer than the context of the model."
    return failure(status, code, message, _param(error.get("param")))


def is_row_failure(body: bytes) -> bool:
    """Whether vLLM reports the end of one request rather than of the engine.

    It does so when a grammar refuses the end of text, the only token a policy left (vLLM 0.32).
    """
    return _error(body).get("message") == ROW_FAILURE


def _param(value: object) -> str | None:
    """The request's member an engine names; what lies below it may be the client's own keys."""
    name = value.removeprefix("body.").split(".")[0] if isinstance(value, str) else ""
    return name if name.isidentifier() else None


def _error(body: bytes) -> dict[str, Any]:
    try:
        error = orjson.loads(body).get("error")
    except (orjson.JSONDecodeError, AttributeError):
        return {}
    return error if isinstance(error, dict) else {}
