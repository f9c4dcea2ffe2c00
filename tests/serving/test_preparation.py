"""What a request becomes for the model that is served."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.preparation import Preparation
from serving.protocol.media import UnreadMedia
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

    def __init__(self, system_first: bool = True, status: int = 400, pictures: bool = False) -> None:
        self.system_first = system_first
        self.status = status
        self.pictures = pictures
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] == "/tokenize"
        self.asked += 1
        messages = orjson.loads(await read_body(receive, 10**6))["messages"]
        late = any(message["role"] == "system" for message in messages[1:])
        pictured = any(isinstance(message["content"], list) for message in messages)
        refused = (self.system_first and late) or (pictured and not self.pictures)
        await respond(send, self.status if refused else 200, {"count": 1})


def asked(route: str, **more: Any) -> GenerationRequest:
    turns = [{**turn, "content": "x"} for turn in TURNS] if route == RESPONSES else TURNS
    body = {"model": "m", "max_tokens": 9, "input" if route == RESPONSES else "messages": turns, **more}
    return parse(route, orjson.dumps(body))


async def roles(engine: Renderer, route: str, **more: Any) -> str:
    request = await Preparation(lambda: False).prepare(engine, route, asked(route, **more))
    return " ".join(message["role"] for message in request.body["messages"])


@pytest.mark.anyio
async def test_system_turns_of_messages_are_merged_for_a_template_that_wants_them_first() -> None:
    request = await Preparation(lambda: False).prepare(Renderer(), MESSAGES, asked(MESSAGES, system="Be kind."))
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
    preparation, engine = Preparation(lambda: False), Renderer()
    for _ in range(3):
        await preparation.prepare(engine, MESSAGES, asked(MESSAGES))
    assert engine.asked == 1
    late = await preparation.prepare(Renderer(system_first=False), MESSAGES, asked(MESSAGES))
    assert late.body["messages"][2]["role"] == "system"


@pytest.mark.anyio
async def test_an_engine_that_fails_to_say_is_asked_again() -> None:
    preparation, engine = Preparation(lambda: False), Renderer(status=503)
    for _ in range(2):
        request = await preparation.prepare(engine, MESSAGES, asked(MESSAGES))
        assert request.body["messages"][0]["role"] == "system"
    assert engine.asked == 2


PNG = "data:image/png;base64,iVBORw0KGgo="
BLOCK = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
TEXT_FILE = {"file_data": "data:text/plain;base64,QWRhIFF1aWxs", "filename": "a.txt"}
# By route: a turn of the user's with a picture, and a result with one.
ASKED: dict[str, Any] = {
    CHAT: {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]},
    RESPONSES: {"role": "user", "content": [{"type": "input_image", "image_url": PNG}]},
    MESSAGES: {"role": "user", "content": [BLOCK]},
}
SEEN: dict[str, list[dict[str, Any]]] = {
    CHAT: [
        {
            "role": "tool",
            "tool_call_id": "c",
            "content": [{"type": "text", "text": "ok"}, *ASKED[CHAT]["content"]],
        }
    ],
    RESPONSES: [
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": [{"type": "input_text", "text": "ok"}, *ASKED[RESPONSES]["content"]],
        }
    ],
    MESSAGES: [
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "text", "text": "ok"}, BLOCK]},
                {"type": "text", "text": "So?"},
            ],
        }
    ],
}


def with_turns(route: str, *turns: Any) -> GenerationRequest:
    body = {"model": "m", "max_tokens": 9, "input" if route == RESPONSES else "messages": list(turns)}
    return parse(route, orjson.dumps(body))


@pytest.mark.anyio
@pytest.mark.parametrize("route", [CHAT, RESPONSES, MESSAGES])
async def test_media_are_refused_while_a_contextual_target_is_enforced(route: str) -> None:
    request, engine = with_turns(route, ASKED[route]), Renderer()
    with pytest.raises(UnreadMedia) as refused:
        await Preparation(lambda: True).prepare(engine, route, request)
    assert (refused.value.status, refused.value.code, refused.value.field) == (400, "unread_media", "messages")
    assert "pictures" in refused.value.message
    for preparation in (Preparation(lambda: False), Preparation(lambda: True, "allow")):
        assert await preparation.prepare(engine, route, request) == request


@pytest.mark.anyio
@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
        {"image_url": PNG},
        {"type": "text", "text": "x", "uuid": "u", "image_url": PNG},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
        {"type": "audio_url", "audio_url": {"url": "https://a.example/x.wav"}},
        {"type": "video_url", "video_url": {"url": "https://a.example/x.mp4"}},
        {"type": "image_embeds", "image_embeds": "QUJD"},
        {"type": "file", "file": {"file_data": "JVBERi0="}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "zeal", "zeal": "QUJD"},
    ],
    ids=lambda part: part.get("type", "no type"),
)
@pytest.mark.parametrize("role", ["user", "assistant", "system"])
async def test_no_kind_of_media_passes_unread(part: dict[str, Any], role: str) -> None:
    with pytest.raises(UnreadMedia):
        await Preparation(lambda: True).prepare(
            Renderer(), CHAT, with_turns(CHAT, {"role": role, "content": [{"type": "text", "text": "x"}, part]})
        )


@pytest.mark.anyio
@pytest.mark.parametrize("enforces", [True, False])
@pytest.mark.parametrize("route", [CHAT, RESPONSES, MESSAGES])
async def test_a_picture_in_a_tool_result_ends_no_session(route: str, enforces: bool) -> None:
    request = await Preparation(lambda: enforces).prepare(Renderer(), route, with_turns(route, *SEEN[route]))
    read = request.conversation(())
    assert any("ok\n[image omitted]" in message.text for message in read)
    assert PNG not in orjson.dumps(request.body).decode()


@pytest.mark.anyio
@pytest.mark.parametrize("route", [RESPONSES, MESSAGES])
async def test_it_is_handed_on_to_a_model_that_sees(route: str) -> None:
    engine = Renderer(pictures=True)
    request = await Preparation(lambda: False).prepare(engine, route, with_turns(route, *SEEN[route]))
    result, picture = request.body["messages"][:2]
    assert result["content"] == "ok"
    assert (picture["role"], picture["content"][0]["image_url"]["url"]) == ("user", PNG)
    kept = await Preparation(lambda: True).prepare(engine, route, with_turns(route, *SEEN[route]))
    assert kept.body["messages"][0]["content"] == "ok\n[image omitted]"
    passed = await Preparation(lambda: True, "allow").prepare(engine, route, with_turns(route, *SEEN[route]))
    assert passed == request


@pytest.mark.anyio
async def test_files_of_text_are_read_and_others_are_named_where_nothing_is_enforced() -> None:
    files = [{"type": "file", "file": file} for file in (TEXT_FILE, {"file_data": PNG, "filename": "b.png"})]
    request = await Preparation(lambda: False).prepare(
        Renderer(), CHAT, with_turns(CHAT, {"role": "user", "content": files})
    )
    assert request.conversation(())[0].text == "a.txt\nAda Quill\n[file b.png omitted]"
    allowed = await Preparation(lambda: True).prepare(
        Renderer(), CHAT, with_turns(CHAT, {"role": "user", "content": files[:1]})
    )
    assert "Ada Quill" in allowed.conversation(())[0].text
