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
    """Yield the chunks of a stream: choice by choice, word by word, then the usage if the client asked for it.

    They have the members that the engine's own chunks have. In a stream with usage in every chunk, words count as
    tokens.
    """
    head = _head(request, request_id, choices)
    fingerprint = {name: head.pop(name) for name in SHARED[2:] if name in head}
    options = request.body.get("stream_options") or {}
    total = {"usage": _total_usage(choices)} if options.get("include_usage") else {}
    for index, choice in enumerate(choices):
        chat = request.route == CHAT
        for count, part in enumerate(_chat_parts(choice.body) if chat else _text_parts(choice.body)):
            ends = part["finish_reason"] is not None
            counted = Usage(choice.usage[0], choice.usage[1] if ends else min(count, choice.usage[1]))
            running = {"usage": openai_usage(counted)} if total and options.get("continuous_usage_stats") else {}
            opening = {"prompt_token_ids": None, "prompt_text": None} if chat and not count else {}
            last = fingerprint if ends and not total else {}
            yield {**head, "choices": [{"index": index, **part}], **opening, **last, **running}
    if total:
        yield {**head, "choices": [], **fingerprint, **total}


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


def _chat_parts(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message, logprobs = body["message"], body.get("logprobs")
    yield {"delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    deltas: list[dict[str, Any]] = [
        {key: words}
        for key in ("reasoning", "reasoning_content", "content", "refusal")
        for words in _words(message.get(key), body)
    ]
    calls = copy.deepcopy(message.get("tool_calls") or [])
    deltas += [{"tool_calls": [{"index": index, **call} for index, call in enumerate(calls)]}] if calls else []
    # An answer that ended at its limit has its last token in its last chunk.
    last = deltas.pop() if deltas and body["finish_reason"] == "length" else {"content": ""}
    for delta in deltas:
        described = None if "tool_calls" in delta else logprobs
        yield {"delta": delta, "logprobs": described, "finish_reason": None, "token_ids": None}
    ends = {"finish_reason": body["finish_reason"], "stop_reason": None, "token_ids": None}
    yield {"delta": last, "logprobs": logprobs if last.get("content") else None, **ends}


def _text_parts(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    words, logprobs = _words(body["text"], body), body.get("logprobs")
    last = words.pop() if words and body["finish_reason"] == "length" else ""
    ids = {"stop_reason": None, "prompt_token_ids": None, "token_ids": None}
    for word in words:
        yield {"text": word, "logprobs": logprobs, "finish_reason": None, **ids}
    yield {"text": last, "logprobs": logprobs if last else None, "finish_reason": body["finish_reason"], **ids}


def _words(text: object, body: dict[str, Any]) -> list[str]:
    if not isinstance(text, str) or not text:
        return []
    # Log-probabilities are sent with the whole of the text that they describe.
    return [text] if body.get("logprobs") else _WORD.findall(text)
