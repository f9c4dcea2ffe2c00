"""Error responses in OpenAI's shape, for our own errors and for the engine's.

The engine's messages may quote the request, so they never reach a client: it gets the status, the field and a
message of ours.
"""

from __future__ import annotations

import re
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
STATUS_ERRORS = {
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


_LENGTHS = re.compile(r"maximum context length is (\d{1,9}) tokens\D{1,80}?(\d{1,9}) input tokens")


class ErrorResponse(NamedTuple):
    """An HTTP status and the body of an error response."""

    status: int
    body: dict[str, Any]


def error_response(status: int, code: str, message: str, param: str | None = None) -> ErrorResponse:
    """Return the error response for `status`; all four members of the error object are always present."""
    kind = TYPES.get(status, "server_error")
    return ErrorResponse(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def from_lethe_error(error: LetheError) -> ErrorResponse:
    """Return the error response for one of our own errors."""
    status = error.status if isinstance(error, RequestRefused) or error.status >= 500 else 400
    return error_response(status, error.code, error.message, error.field)


def from_engine(status: int, body: bytes) -> ErrorResponse:
    """Return the error response for an engine's, with its status and field but none of its text."""
    status = status if 400 <= status < 600 else 500
    code, message = STATUS_ERRORS.get(status, SERVER_ERROR if status >= 500 else STATUS_ERRORS[400])
    error = _error(body)
    message_of_engine = str(error.get("message"))
    if status == 400 and "context length" in message_of_engine:
        lengths = context_lengths(body)
        code, message = ContextLengthExceeded.code, context_length_message(*(lengths or (None, None)))
    elif status == 400 and "fewer output tokens" in message_of_engine:
        message = "The engine refused the request: it asks for more output tokens than the model's context has."
    return error_response(status, code, message, _param(error.get("param")))


class NotJson(RequestRefused):
    """The body is not said to be JSON. A page of any origin may send such a one without asking."""

    code = "unsupported_media_type"
    status = 415


class ContextLengthExceeded(RequestRefused):
    """A prompt longer than the context of the model; `at_least` if not all of it was counted."""

    code = "context_length_exceeded"

    def __init__(self, limit: int, count: int, field: str, *, at_least: bool = False) -> None:
        super().__init__(context_length_message(limit, count, at_least=at_least), field=field)


def context_length_message(limit: int | None, count: int | None, *, at_least: bool = False) -> str:
    """Return the words by which clients know that a prompt is too long, with its numbers of tokens if known."""
    if limit is None or count is None:
        return "The request exceeds the model's maximum context length. Please reduce the length of the input."
    known = f"at least {count}" if at_least else f"{count}"
    return (
        f"This model's maximum context length is {limit} tokens. However, your prompt contains {known} input "
        "tokens. Please reduce the length of the input."
    )


def context_lengths(body: bytes) -> tuple[int, int] | None:
    """Return the tokens of the context and of the prompt, if an engine's error answer or ours tells them."""
    found = _LENGTHS.search(str(_error(body).get("message")))
    return (int(found[1]), int(found[2])) if found else None


def is_row_failure(body: bytes) -> bool:
    """Return whether vLLM reports the failure of one request rather than of the engine.

    It does so when a grammar forbids the end of sequence, the only token that a policy left (vLLM 0.32).
    """
    return _error(body).get("message") == ROW_FAILURE


def status_of(body: bytes) -> int:
    """Return the status that an engine's error in a stream would have had as a response."""
    code = _error(body).get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def _param(value: object) -> str | None:
    """Return the request member that the engine names; names below it may be keys of the client's own."""
    name = value.removeprefix("body.").split(".")[0] if isinstance(value, str) else ""
    return name if name.isidentifier() else None


def _error(body: bytes) -> dict[str, Any]:
    try:
        error = orjson.loads(body).get("error")
    except (orjson.JSONDecodeError, AttributeError):
        return {}
    return error if isinstance(error, dict) else {}
