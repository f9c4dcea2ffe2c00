"""The application alone: what it sends, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from agents.chat import Usage
from serving.answers import application
from serving.answers.application import Application, Outcome
from serving.answers.choices import Choice, make_choice
from serving.http.asgi import replay
from serving.http.asgi_client import Response, json_scope
from serving.http.sse import KEEP_ALIVE
from serving.protocol.request import GenerationRequest

CHAT = "/v1/chat/completions"


async def sent(outcome: Outcome, seconds: float = 0.0, **body: Any) -> list[Any]:
    messages: list[Any] = []

    async def work() -> Outcome:
        await asyncio.sleep(seconds)
        return outcome

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    await Application(GenerationRequest(CHAT, {"model": "m", **body}), "r1", work)(
        json_scope(CHAT, 2), replay(b"{}", receive), send
    )
    return messages


def outcome_of(text: str, **choice: Any) -> Outcome:
    answer = {"created": 5, "model": "n", "system_fingerprint": "f", "id": "theirs"}
    return Outcome([Choice({**make_choice(CHAT, text, "stop"), **choice}, Usage(3, 4), answer)])


def payloads(messages: list[Any]) -> list[Any]:
    body = b"".join(message.get("body", b"") for message in messages)
    events = [line.removeprefix(b"data: ") for line in body.split(b"\n\n") if line.startswith(b"data: ")]
    assert events[-1] == b"[DONE]"
    return [orjson.loads(event) for event in events[:-1]]


async def test_shared_members_come_from_the_engines_answer_and_the_id_is_ours() -> None:
    _, message = await sent(outcome_of("Yes."))
    answer = orjson.loads(message["body"])
    assert (answer["id"], answer["created"], answer["model"]) == ("chatcmpl-r1", 5, "n")
    assert answer["system_fingerprint"] == "f"
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


async def test_keep_alives_start_the_stream_and_the_text_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "KEEP_ALIVE_PERIOD_S", 0.01)
    messages = await sent(outcome_of("Yes. No."), seconds=0.2, stream=True)
    assert [message["type"] for message in messages].count("http.response.start") == 1
    assert messages[1]["body"] == KEEP_ALIVE
    deltas = [chunk["choices"][0]["delta"] for chunk in payloads(messages)]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert [delta.get("content") for delta in deltas[1:-1]] == ["Yes.", " No."]


async def test_a_refusal_after_a_keep_alive_is_an_error_in_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "KEEP_ALIVE_PERIOD_S", 0.01)
    refusal = Outcome((), Response(400, b'{"error":{"message":"no"}}'))
    assert payloads(await sent(refusal, seconds=0.1, stream=True)) == [{"error": {"message": "no"}}]
    first, _ = await sent(refusal, stream=True)
    assert first["status"] == 400


async def test_tool_calls_and_log_probabilities_of_an_unchanged_answer_are_streamed_with_it() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}]
    message = {"role": "assistant", "content": "One two.", "tool_calls": calls}
    chunks = payloads(await sent(outcome_of("", message=message, logprobs={"content": [1]}), stream=True))
    choices = [chunk["choices"][0] for chunk in chunks]
    (whole,) = (choice for choice in choices if choice["logprobs"])
    assert (whole["delta"], whole["logprobs"]) == ({"content": "One two."}, {"content": [1]})
    assert [{"index": 0, **calls[0]}] in [choice["delta"].get("tool_calls") for choice in choices]
