"""Responses with surrogates, in whatever shape: the client's words on every surface."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import orjson
import pytest

from guard.surrogates.restoring import Originals
from serving.http.asgi import Message
from serving.http.sse import DONE, Splitter, frame
from serving.watch.restored import RestoredResponse

ORIGINALS = Originals({"fleia": "Orla", "blandorst": "Quarn"})
JSON = [(b"content-type", b"application/json"), (b"content-length", b"7")]
STREAM = [(b"content-type", b"text/event-stream")]


async def counted(prompt_tokens: int | None) -> int | None:
    return prompt_tokens


def restored(body: dict[str, Any], *, prompt_tokens: int | None = None) -> dict[str, Any]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        response = RestoredResponse(send, ORIGINALS, counted(prompt_tokens))
        await response.send({"type": "http.response.start", "status": 200, "headers": JSON})
        raw = orjson.dumps(body)
        await response.send({"type": "http.response.body", "body": raw[:9], "more_body": True})
        await response.send({"type": "http.response.body", "body": raw[9:]})

    asyncio.run(run())
    start, said = sent
    assert dict(start["headers"])[b"content-length"] == str(len(said["body"])).encode()
    found: dict[str, Any] = orjson.loads(said["body"])
    return found


def streamed(*chunks: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[bytes] = []

    async def send(message: Message) -> None:
        sent.append(message.get("body", b""))

    async def run() -> None:
        response = RestoredResponse(send, ORIGINALS, counted(None))
        await response.send({"type": "http.response.start", "status": 200, "headers": STREAM})
        for payload in (*map(orjson.dumps, chunks), DONE):
            await response.send(
                {"type": "http.response.body", "body": frame(payload), "more_body": payload != DONE}
            )

    asyncio.run(run())
    payloads = list(Splitter().feed(b"".join(sent)))
    assert payloads[-1] == DONE
    return [orjson.loads(payload) for payload in payloads[:-1]]


def delta(ends: str | None = None, **members: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": members, "finish_reason": ends}]}


def entry(token: str, *others: str) -> dict[str, Any]:
    listed = [{"token": one, "logprob": -2.0, "bytes": list(one.encode())} for one in (token, *others)]
    return {**listed[0], "logprob": -0.5, "top_logprobs": listed}


@pytest.mark.parametrize("holder", ["content", "reasoning", "reasoning_content", "refusal"])
def test_every_text_of_a_message_is_restored(holder: str) -> None:
    message = {"role": "assistant", holder: "FLEIA and Fleia Blandorst."}
    found = restored({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    assert found["choices"][0]["message"][holder] == "ORLA and Orla Quarn."


def test_tool_calls_and_stop_reasons_are_restored() -> None:
    call = {"id": "1", "function": {"name": "find_blandorst", "arguments": '{"name": "Fleia"}'}}
    choice = {"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "stop", "stop_reason": "Fleia"}
    found = restored({"choices": [choice]})["choices"][0]
    assert found["message"]["tool_calls"][0]["function"] == {"name": "find_quarn", "arguments": '{"name": "Orla"}'}
    assert found["stop_reason"] == "Orla"


def test_tool_calls_in_a_stream_leave_in_order() -> None:
    def call(**function: str) -> dict[str, Any]:
        return delta(tool_calls=[{"index": 0, "function": function}])

    chunks = streamed(
        delta(content="I ask fl"),
        call(name="find_fleia"),
        call(arguments='{"x": "Blan'),
        call(arguments='dorst"}'),
        delta("tool_calls"),
    )
    assert [chunk["choices"][0]["delta"].get("content") for chunk in chunks][:1] == ["I ask fl"]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[1:-1]]
    functions = [one["tool_calls"][0]["function"] for one in deltas]
    assert functions[0] == {"name": "find_orla"}
    assert "".join(function["arguments"] for function in functions[1:]) == '{"x": "Quarn"}'


def test_a_stream_waits_only_where_a_surrogate_may_have_begun() -> None:
    chunks = [
        delta(role="assistant", content=""),
        *(delta(content=text) for text in ("So", " Fl", "eia", " is", ".")),
    ]
    found = streamed(*chunks, delta("stop", content=""))
    assert [chunk["choices"][0]["delta"]["content"] for chunk in found] == ["", "So", " Or", "la", " is", ".", ""]


def test_log_probabilities_are_those_of_the_surrogates_pieces() -> None:
    entries = [entry("So", "A"), entry(" Fl", " She", " fleia"), entry("eia", "ow", "ei"), entry(".", " Bland")]
    choice = {"index": 0, "message": {"content": "So Fleia."}, "logprobs": {"content": copy.deepcopy(entries)}}
    (found,) = restored({"choices": [{**choice, "finish_reason": "stop"}]})["choices"]
    assert found["message"]["content"] == "So Orla."
    described = found["logprobs"]["content"]
    assert [one["token"] for one in described] == ["So", " Or", "la", "."]
    assert [one["logprob"] for one in described] == [-0.5] * 4
    assert [bytes(one["bytes"]).decode() for one in described] == ["So", " Or", "la", "."]
    listed = [[one["token"] for one in place["top_logprobs"]] for place in described]
    assert listed == [["So", "A"], [" Or", " She"], ["la", "ow"], ["."]]


def test_log_probabilities_of_a_stream_leave_with_their_text() -> None:
    chunks = [delta(content=text) for text in ("So", " Fl", "eia", ".")]
    for chunk in chunks:
        (choice,) = chunk["choices"]
        choice["logprobs"] = {"content": [entry(choice["delta"]["content"])]}
    for chunk in streamed(*chunks, delta("stop")):
        (choice,) = chunk["choices"]
        tokens = [one["token"] for one in (choice.get("logprobs") or {}).get("content", ())]
        assert "".join(tokens) == choice["delta"].get("content", "")


def test_log_probabilities_of_a_completion_keep_their_places() -> None:
    logprobs = {
        "tokens": ["So", " Bland", "orst", " is"],
        "token_logprobs": [-0.5] * 4,
        "text_offset": [10, 12, 18, 22],
        "top_logprobs": [{"So": -0.5}, {" Bland": -0.5, " Mr": -2.0}, {"orst": -0.5}, {" is": -0.5}],
    }
    choice = {"index": 0, "text": "So Blandorst is", "logprobs": logprobs, "finish_reason": "stop"}
    (found,) = restored({"choices": [choice]})["choices"]
    assert found["text"] == "So Quarn is"
    assert "".join(found["logprobs"]["tokens"]) == found["text"]
    offsets = found["logprobs"]["text_offset"]
    lengths = map(len, found["logprobs"]["tokens"])
    assert [b - a for a, b in zip(offsets, [*offsets[1:], 21], strict=True)] == list(lengths)
    assert [list(one) for one in found["logprobs"]["top_logprobs"]][1] == [found["logprobs"]["tokens"][1], " Mr"]


def test_usage_is_that_of_the_clients_prompt() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    assert restored({"choices": [], "usage": dict(usage)}, prompt_tokens=7)["usage"] == {
        **usage,
        "prompt_tokens": 7,
        "total_tokens": 9,
    }
    assert restored({"choices": [], "usage": usage})["usage"] == usage
