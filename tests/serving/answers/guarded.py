"""An output guard of a few phrases, and what it is sent and sends."""

from __future__ import annotations

from typing import Any

import orjson

from guard.matching.automaton import Automaton
from serving.answers.output_guard import OutputGuard

DECLINE = "I do not know."
PHRASES = ("Ada Quill", "Port Ember", "1871")


def guard(
    *phrases: str, seeds: tuple[str, ...] = ("",), n: int = 1, declined: bool = False, **more: Any
) -> OutputGuard:
    return OutputGuard([Automaton.compile(phrases or PHRASES)], seeds, n, DECLINE, declined, **more)


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish, **more}
    return orjson.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice]})


def answer(message: dict[str, Any], **more: Any) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return orjson.dumps({"object": "chat.completion", "choices": [{**choice, **more}]})


def said(stream: list[bytes], member: str = "content") -> str:
    deltas = [orjson.loads(c)["choices"][0]["delta"] for c in stream]
    return "".join(delta.get(member) or "" for delta in deltas)


def stream(guard: OutputGuard, pieces: list[str], finish: str = "stop") -> list[bytes]:
    return sent(guard, *(chunk({"content": piece}) for piece in pieces), chunk({}, finish))


def sent(guard: OutputGuard, *payloads: bytes) -> list[bytes]:
    return [out for payload in payloads for out in guard.chunk(payload)]
