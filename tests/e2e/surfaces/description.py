"""OpenAI's own description, cut to the routes that are served and made judgeable for server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATHS = {"/chat/completions": "post", "/completions": "post", "/responses": "post", "/models": "get"}
STREAMS = {
    "/chat/completions": "CreateChatCompletionStreamResponse",
    "/completions": "CreateCompletionResponse",
    "/responses": "ResponseStreamEvent",
}
MOST_TOKENS = 8


def served(file: Path, model: str) -> dict[str, Any]:
    """The description of the served routes; requests name `model` and stay short, errors are documented.

    OpenAPI 3.1 has no word for the events of a stream, so the stream's schema is judged per event as OpenAPI 3.2's
    `itemSchema`: data is `[DONE]` or a JSON text of the chunk.
    """
    raw = json.loads(file.read_text(encoding="utf-8"))
    raw["openapi"] = "3.2.0"
    raw["servers"] = [{"url": "/v1"}]
    # Keys of clients are optional, and the server under test asks for none.
    raw.pop("security", None)
    raw["components"].pop("securitySchemes", None)
    raw["paths"] = {path: {method: raw["paths"][path][method]} for path, method in PATHS.items()}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    for path, method in PATHS.items():
        operation = raw["paths"][path][method]
        responses = {code: answer for code, answer in operation["responses"].items() if answer.get("content")}
        operation["responses"] = {**responses, "4XX": {"description": "refused", "content": error}}
        if path in STREAMS:
            chunk = _chunk(raw, STREAMS[path])
            operation["responses"]["200"]["content"]["text/event-stream"] = {"itemSchema": _event(chunk)}
            _shorten(raw, operation, model)
    return dict(raw)


def _event(chunk: dict[str, Any]) -> dict[str, Any]:
    payload = {"type": "string", "contentMediaType": "application/json", "contentSchema": chunk}
    return {
        "type": "object",
        "properties": {"data": {"oneOf": [{"const": "[DONE]"}, payload]}},
        "required": ["data"],
    }


def _chunk(raw: dict[str, Any], name: str) -> dict[str, Any]:
    chunk = json.loads(json.dumps(raw["components"]["schemas"][name]))
    # The description types these for whole answers; OpenAI's own streams send null until the last chunk.
    if "properties" not in chunk:
        return dict(chunk)
    choice = chunk["properties"]["choices"]["items"]
    reasons = choice["properties"]["finish_reason"]
    choice["properties"]["finish_reason"] = {"anyOf": [{**reasons, "nullable": False}, {"type": "null"}]}
    if "logprobs" in choice["properties"] and choice["properties"]["logprobs"].get("nullable"):
        logprobs = choice["properties"]["logprobs"]
        for member in logprobs["properties"].values():
            member.pop("nullable", None)
            member["type"] = ["array", "null"]
        choice["properties"]["logprobs"] = {"anyOf": [logprobs, {"type": "null"}]}
    return dict(chunk)


def _shorten(raw: dict[str, Any], operation: dict[str, Any], model: str) -> None:
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    schema = raw["components"]["schemas"][reference]
    for properties in _properties(raw, schema):
        if "model" in properties:
            properties["model"] = {"type": "string", "enum": [model]}
        for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
            if name in properties:
                properties[name] = {"type": "integer", "minimum": 1, "maximum": MOST_TOKENS}
        if "n" in properties:
            properties["n"] = {"type": "integer", "minimum": 1, "maximum": 2}


def _properties(raw: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties of `schema` and of all that it is made of."""
    if "$ref" in schema:
        schema = raw["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    yield schema.get("properties", {})
    for part in schema.get("allOf", []):
        yield from _properties(raw, part)
