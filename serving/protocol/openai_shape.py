"""Converts vLLM's answers to OpenAI's documented shape: nulls, required members, finish reasons."""

from __future__ import annotations

from typing import Any

import orjson

# Members that OpenAI documents as nullable; any other null of vLLM's means that the member is absent.
NULLABLE = frozenset({"content", "refusal", "logprobs", "finish_reason"})
FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})


def conform_answer(payload: bytes) -> bytes:
    """Return vLLM's response body in OpenAI's documented shape."""
    answer = _present(orjson.loads(payload))
    if "usage" in answer:
        answer["usage"] = _present(answer["usage"])
    answer["choices"] = [_choice(choice) for choice in answer.get("choices", [])]
    return orjson.dumps(answer)


def conform_chunk(payload: bytes) -> bytes:
    """Return vLLM's streamed chunk in OpenAI's documented shape."""
    chunk = _present(orjson.loads(payload))
    chunk["choices"] = [_choice(choice) for choice in chunk.get("choices", [])]
    return orjson.dumps(chunk)


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    choice = _present(choice)
    if isinstance(choice.get("message"), dict):
        choice["message"] = {"content": None, "refusal": None, **_present(choice["message"])}
        if not choice["message"].get("tool_calls"):
            choice["message"].pop("tool_calls", None)
    if isinstance(choice.get("logprobs"), dict) and "tokens" not in choice["logprobs"]:
        choice["logprobs"] = {"refusal": None, **choice["logprobs"]}
    if choice.get("finish_reason") is not None and choice["finish_reason"] not in FINISH_REASONS:
        choice["finish_reason"] = "stop"
    return choice


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value is not None or key in NULLABLE}
