"""The dialects that are spoken, by route."""

from __future__ import annotations

from serving.protocol.dialects import messages_answer, messages_request, responses_answer, responses_request
from serving.protocol.dialects.dialect import Dialect
from serving.protocol.errors import ErrorResponse
from serving.protocol.refused_fields import MESSAGES, RESPONSES

# OpenAI's two wires name the same thing differently.
PARAMS = {"messages": "input", "max_completion_tokens": "max_output_tokens", "response_format": "text"}


def _openai(error: ErrorResponse, _: str) -> ErrorResponse:
    said = error.body["error"]
    return ErrorResponse(error.status, {"error": {**said, "param": PARAMS.get(said["param"], said["param"])}})


DIALECTS: dict[str, Dialect] = {
    RESPONSES: Dialect(responses_request.to_chat, responses_answer.ResponseTelling, _openai),
    MESSAGES: Dialect(messages_request.to_chat, messages_answer.MessageTelling, messages_answer.failure),
}
