from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from agents.chat import ChatFailed, Completion, Schema, Usage
from guard.text.conversation import Message
from tests.agents.actor import Actor, chat_with, completion, reply

ASKED = [Message("system", "Be brief."), Message("user", "Hello")]


def ended_otherwise(asked: Any) -> Any:
    async def said(send: Any) -> None:
        body = completion(asked, ["a", "b"])
        body["choices"][0]["finish_reason"] = "length"
        body["choices"][1]["finish_reason"] = "content_filter"
        await reply(send, json.dumps(body).encode())

    return said


async def test_a_call_is_one_request_of_openais_contract() -> None:
    actor = Actor(lambda asked: ["a", "b"])
    schema = Schema("thing", {"type": "object"})
    async with chat_with(actor) as chat:
        got = await chat.complete(ASKED, 2, schema, 7, 0.5)
    assert got.choices == (Completion("a"), Completion("b"))
    assert got.usage == Usage(3, 2)
    body = actor.asked[0].body
    assert body == {
        "model": "actor",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "n": 2,
        "max_completion_tokens": 7,
        "temperature": 0.5,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "thing", "schema": {"type": "object"}, "strict": True},
        },
    }


async def test_further_members_of_the_body_are_sent_with_it() -> None:
    actor = Actor(lambda asked: "a")
    async with chat_with(actor) as chat:
        ours = dataclasses.replace(chat, extra={"vllm_xargs": {"lethe_policy": "7"}})
        await ours.complete(ASKED, 1, None, 7, 0.0)
    assert actor.asked[0].body["vllm_xargs"] == {"lethe_policy": "7"}
    assert "response_format" not in actor.asked[0].body


async def test_a_choice_that_was_cut_off_says_so_and_one_that_ended_otherwise_is_none() -> None:
    async with chat_with(Actor(ended_otherwise)) as chat:
        got = await chat.complete(ASKED, 2, None, 7, 0.0)
    assert got.choices == (Completion("a", "length"),)


async def test_half_a_surrogate_pair_is_replaced_and_sent() -> None:
    actor = Actor(lambda asked: "a")
    async with chat_with(actor) as chat:
        await chat.complete([Message("user", "x\ud800y")], 1, None, 7, 0.0)
    assert actor.asked[0].messages[0]["content"] == "x?y"


async def test_a_failed_call_is_not_tried_again() -> None:
    actor = Actor(lambda asked: 503)
    async with chat_with(actor) as chat:
        with pytest.raises(ChatFailed):
            await chat.complete(ASKED, 1, None, 7, 0.0)
    assert len(actor.asked) == 1


async def test_no_message_shows_in_a_completions_repr() -> None:
    async with chat_with(Actor(lambda asked: "Brisa")) as chat:
        got = await chat.complete(ASKED, 1, None, 7, 0.0)
    assert "Brisa" not in repr(got)
