"""What the agents decided, in the shape of the route: one answer, or the events of a stream."""

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
class Spoken:
    """One choice in the shape of a whole answer, what its calls cost, and the engine's answer it came with."""

    choice: dict[str, Any] = field(repr=False)
    usage: Usage
    answer: dict[str, Any] | None = field(repr=False)


def said(route: str, text: str, finish: str) -> dict[str, Any]:
    """Return a choice that says `text`; log-probabilities of composed text do not exist."""
    place = {"message": {"role": "assistant", "content": text}} if route == CHAT else {"text": text}
    return {**place, "logprobs": None, "finish_reason": finish}


def whole(request: GenerationRequest, request_id: str, spoken: Sequence[Spoken]) -> dict[str, Any]:
    """Return the answer of all choices, in order; usage counts every call of the agents."""
    kind = "chat.completion" if request.route == CHAT else "text_completion"
    choices = [{"index": index, **each.choice} for index, each in enumerate(spoken)]
    head = _head(request, request_id, spoken)
    rest = {name: head.pop(name) for name in SHARED[2:] if name in head}
    return {**head, "object": kind, "choices": choices, **rest, "usage": _usage(spoken)}


def events(request: GenerationRequest, request_id: str, spoken: Sequence[Spoken]) -> Iterator[dict[str, Any]]:
    """Yield the chunks of an ordinary stream: choice by choice word by word, then the usage if asked for."""
    head = _head(request, request_id, spoken)
    for index, each in enumerate(spoken):
        pieces = _chat_pieces(each.choice) if request.route == CHAT else _text_pieces(each.choice)
        for piece in pieces:
            yield {**head, "choices": [{"index": index, **piece}]}
    options = request.body.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield {**head, "choices": [], "usage": _usage(spoken)}


def _head(request: GenerationRequest, request_id: str, spoken: Sequence[Spoken]) -> dict[str, Any]:
    answer = next((each.answer for each in spoken if each.answer), {})
    shared = {key: answer[key] for key in SHARED if answer.get(key) is not None}
    return {**request.blank_chunk(request_id), **shared}


def usage_of(usage: Usage) -> dict[str, int]:
    """Return the usage of an answer in OpenAI's shape."""
    prompt, completion = usage
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _usage(spoken: Sequence[Spoken]) -> dict[str, int]:
    prompt, completion = (sum(each.usage[k] for each in spoken) for k in (0, 1))
    return usage_of(Usage(prompt, completion))


def _chat_pieces(choice: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message = choice["message"]
    yield {"delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    for key in ("reasoning", "reasoning_content", "content", "refusal"):
        for words in _pieces(message.get(key), choice):
            yield {"delta": {key: words}, "logprobs": choice.get("logprobs"), "finish_reason": None}
    calls = copy.deepcopy(message.get("tool_calls") or [])
    if calls:
        numbered = [{"index": place, **call} for place, call in enumerate(calls)]
        yield {"delta": {"tool_calls": numbered}, "logprobs": None, "finish_reason": None}
    yield {"delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}


def _text_pieces(choice: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for words in _pieces(choice["text"], choice):
        yield {"text": words, "logprobs": choice.get("logprobs"), "finish_reason": None}
    yield {"text": "", "logprobs": None, "finish_reason": choice["finish_reason"]}


def _pieces(text: object, choice: dict[str, Any]) -> list[str]:
    if not isinstance(text, str) or not text:
        return []
    # Log-probabilities leave with the whole of the text they describe.
    return [text] if choice.get("logprobs") else _WORD.findall(text)
