"""The choices of an answer in the shape of its route: one response body, or the chunks of a stream."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.chat import Usage
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

# Members of vLLM's answers that belong to the answer and not to one of its choices.
SHARED = ("created", "model", "service_tier", "system_fingerprint")
_WORD = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of an answer.

    body            the choice as a response body holds it, without `index`
    usage           tokens of all model calls that were made for it
    engine_answer   the engine's answer from which the response takes its shared members, if there is one
    """

    body: dict[str, Any] = field(repr=False)
    usage: Usage
    engine_answer: dict[str, Any] | None = field(repr=False)


def make_choice(route: str, text: str, finish_reason: str) -> dict[str, Any]:
    """Return the body of a choice with this text. It has no log-probabilities, as composed text has none."""
    content = {"message": {"role": "assistant", "content": text}} if route == CHAT else {"text": text}
    return {**content, "logprobs": None, "finish_reason": finish_reason}


def make_response(request: GenerationRequest, request_id: str, choices: Sequence[Choice]) -> dict[str, Any]:
    """Return the response body with all choices, in order. Its usage is the sum of theirs."""
    kind = "chat.completion" if request.route == CHAT else "text_completion"
    bodies = [{"index": index, **choice.body} for index, choice in enumerate(choices)]
    head = _head(request, request_id, choices)
    rest = {name: head.pop(name) for name in SHARED[2:] if name in head}
    return {**head, "object": kind, "choices": bodies, **rest, "usage": _total_usage(choices)}


def make_chunks(
    request: GenerationRequest, request_id: str, choices: Sequence[Choice]
) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a stream: choice by choice, word by word, then the usage if the client asked for it."""
    head = _head(request, request_id, choices)
    for index, choice in enumerate(choices):
        parts = _chat_chunks(choice.body) if request.route == CHAT else _text_chunks(choice.body)
        for part in parts:
            yield {**head, "choices": [{"index": index, **part}]}
    options = request.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield {**head, "choices": [], "usage": _total_usage(choices)}


def _head(request: GenerationRequest, request_id: str, choices: Sequence[Choice]) -> dict[str, Any]:
    answer = next((choice.engine_answer for choice in choices if choice.engine_answer), {})
    shared = {key: answer[key] for key in SHARED if answer.get(key) is not None}
    return {**request.blank_chunk(request_id), **shared}


def openai_usage(usage: Usage) -> dict[str, int]:
    """Return `usage` in OpenAI's shape."""
    prompt, completion = usage
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _total_usage(choices: Sequence[Choice]) -> dict[str, int]:
    prompt, completion = (sum(choice.usage[k] for choice in choices) for k in (0, 1))
    return openai_usage(Usage(prompt, completion))


def _chat_chunks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message = body["message"]
    yield {"delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    for key in ("reasoning", "reasoning_content", "content", "refusal"):
        for words in _words(message.get(key), body):
            yield {"delta": {key: words}, "logprobs": body.get("logprobs"), "finish_reason": None}
    calls = copy.deepcopy(message.get("tool_calls") or [])
    if calls:
        numbered = [{"index": index, **call} for index, call in enumerate(calls)]
        yield {"delta": {"tool_calls": numbered}, "logprobs": None, "finish_reason": None}
    yield {"delta": {}, "logprobs": None, "finish_reason": body["finish_reason"]}


def _text_chunks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for words in _words(body["text"], body):
        yield {"text": words, "logprobs": body.get("logprobs"), "finish_reason": None}
    yield {"text": "", "logprobs": None, "finish_reason": body["finish_reason"]}


def _words(text: object, body: dict[str, Any]) -> list[str]:
    if not isinstance(text, str) or not text:
        return []
    # Log-probabilities are sent with the whole of the text that they describe.
    return [text] if body.get("logprobs") else _WORD.findall(text)
