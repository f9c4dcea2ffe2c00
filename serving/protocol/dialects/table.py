"""The table of dialects, by route."""

from __future__ import annotations

from serving.protocol.dialects import messages_answer, messages_request, responses_answer, responses_request
from serving.protocol.dialects.dialect import Dialect
from serving.protocol.errors import ErrorResponse
from serving.protocol.refused_fields import MESSAGES, RESPONSES

# Chat members by the names that the Responses API gives them.
PARAMS = {"messages": "input", "max_completion_tokens": "max_output_tokens", "response_format": "text"}


def _openai(error: ErrorResponse, _: str) -> ErrorResponse:
    detail = error.body["error"]
    return ErrorResponse(
        error.status, {"error": {**detail, "param": PARAMS.get(detail["param"], detail["param"])}}
    )


def dialect_of(path: str) -> Dialect | None:
    """Return the dialect in which errors at `path` are told: that of a route also below it."""
    return next((d for route, d in DIALECTS.items() if path == route or path.startswith(f"{route}/")), None)


DIALECTS: dict[str, Dialect] = {
    RESPONSES: Dialect(responses_request.to_chat, responses_answer.ResponsesTranslator, _openai),
    MESSAGES: Dialect(messages_request.to_chat, messages_answer.MessagesTranslator, messages_answer.failure),
}
