"""What a request becomes for the model that is served."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.preparation import Preparation
from serving.protocol.refused_fields import CHAT, MESSAGES, RESPONSES
from serving.protocol.request import GenerationRequest, parse

TURNS = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "system", "content": [{"type": "text", "text": "Reminder: be brief."}]},
    {"role": "user", "content": "Where is Sallowmere?"},
]


class Renderer:
    """An engine's /tokenize whose template may want the system turn first."""

    def __init__(self, system_first: bool = True, status: int = 400) -> None:
        self.system_first = system_first
        self.status = status
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] == "/tokenize"
        self.asked += 1
        messages = orjson.loads(await read_body(receive, 10**6))["messages"]
        late = any(message["role"] == "system" for message in messages[1:])
        refused = self.system_first and late
        await respond(send, self.status if refused else 200, {"count": 1})


def asked(route: str, **more: Any) -> GenerationRequest:
    turns = [{**turn, "content": "x"} for turn in TURNS] if route == RESPONSES else TURNS
    body = {"model": "m", "max_tokens": 9, "input" if route == RESPONSES else "messages": turns, **more}
    return parse(route, orjson.dumps(body))


async def roles(engine: Renderer, route: str, **more: Any) -> str:
    request = await Preparation().prepare(engine, route, asked(route, **more))
    return " ".join(message["role"] for message in request.body["messages"])


@pytest.mark.anyio
async def test_system_turns_of_messages_are_merged_for_a_template_that_wants_them_first() -> None:
    request = await Preparation().prepare(Renderer(), MESSAGES, asked(MESSAGES, system="Be kind."))
    first, *rest = request.body["messages"]
    assert first == {"role": "system", "content": "Be kind.\nReminder: be brief."}
    assert [turn["role"] for turn in rest] == ["user", "assistant", "user"]
    assert "Reminder" in request.conversation(())[0].text


@pytest.mark.anyio
async def test_they_stay_where_they_are_for_any_other_template() -> None:
    assert await roles(Renderer(system_first=False), MESSAGES) == "user assistant system user"


@pytest.mark.anyio
@pytest.mark.parametrize("route", [CHAT, RESPONSES])
async def test_chat_and_responses_leave_system_turns_to_the_template(route: str) -> None:
    engine = Renderer()
    assert await roles(engine, route) == "user assistant system user"
    assert engine.asked == 0


@pytest.mark.anyio
async def test_a_template_is_tried_once_and_again_after_the_engine_was_replaced() -> None:
    preparation, engine = Preparation(), Renderer()
    for _ in range(3):
        await preparation.prepare(engine, MESSAGES, asked(MESSAGES))
    assert engine.asked == 1
    late = await preparation.prepare(Renderer(system_first=False), MESSAGES, asked(MESSAGES))
    assert late.body["messages"][2]["role"] == "system"


@pytest.mark.anyio
async def test_an_engine_that_fails_to_say_is_asked_again() -> None:
    preparation, engine = Preparation(), Renderer(status=503)
    for _ in range(2):
        request = await preparation.prepare(engine, MESSAGES, asked(MESSAGES))
        assert request.body["messages"][0]["role"] == "system"
    assert engine.asked == 2
