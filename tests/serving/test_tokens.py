"""The routes that count and spell tokens, in front of an engine that shows what it was asked."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from pydantic import SecretStr

from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.routes import COUNT_TOKENS, DETOKENIZE, TOKENIZE
from tests.serving.data_plane import FakePlanner, FakeSupervisor, client

HELLO = [{"role": "user", "content": "Hi"}]


class Tokenizer:
    """Counts the turns of what it is given, and knows the ids below 9."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = orjson.loads(await read_body(receive, 10**6))
        self.asked.append(body)
        if scope["path"] == "/detokenize":
            known = all(token < 9 for token in body["tokens"])
            return await respond(send, 200 if known else 500, {"prompt": "Hi"} if known else {"error": {}})
        assert scope["path"] == "/tokenize"
        if body.get("model") == "zeal":
            return await respond(send, 404, {"error": {"message": "no zeal", "param": "model"}})
        count = len(body.get("messages", "x"))
        await respond(
            send, 200, {"count": count, "max_model_len": 64, "tokens": [1], "token_strs": None, "zeal": 1}
        )


def plane(engine: Any, *keys: str, enforces: bool = False) -> DataPlane:
    planner = FakePlanner()
    planner.enforces = enforces
    limits = Limits([SecretStr(key) for key in keys], 10_000, "No.", "1")
    return DataPlane(FakeSupervisor(engine), planner, limits)  # type: ignore[arg-type]


async def post(route: str, body: Any, *, engine: Any = None, enforces: bool = False) -> httpx.Response:
    async with client(plane(engine or Tokenizer(), enforces=enforces)) as http:
        return await http.post(route, json=body)


@pytest.mark.anyio
async def test_tokens_of_messages_are_those_of_the_chat_that_they_become() -> None:
    engine = Tokenizer()
    tool = {"name": "look", "input_schema": {"type": "object"}}
    body = {
        "model": "m",
        "system": "Be brief.",
        "messages": HELLO,
        "tools": [tool],
        "thinking": {"type": "disabled"},
    }
    answer = await post(f"{COUNT_TOKENS}?beta=true", body, engine=engine)
    assert (answer.status_code, answer.json()) == (200, {"input_tokens": 2})
    (asked,) = engine.asked
    assert asked["messages"] == [{"role": "system", "content": "Be brief."}, *HELLO]
    assert asked["tools"][0]["function"]["name"] == "look"
    assert asked["chat_template_kwargs"] == {"enable_thinking": False, "reasoning_effort": "none"}
    assert "max_completion_tokens" not in asked


@pytest.mark.anyio
async def test_a_last_turn_of_the_assistants_is_counted_as_it_is_continued() -> None:
    engine = Tokenizer()
    await post(
        COUNT_TOKENS, {"model": "m", "messages": [*HELLO, {"role": "assistant", "content": "She"}]}, engine=engine
    )
    assert engine.asked[0]["continue_final_message"] is True


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        (COUNT_TOKENS, {"model": "m", "messages": "x"}, 400, "invalid_request_error"),
        (COUNT_TOKENS, {"model": "m", "messages": HELLO, "vllm_xargs": {}}, 400, "invalid_request_error"),
        (COUNT_TOKENS, {"model": "zeal", "messages": HELLO}, 404, "not_found_error"),
        (COUNT_TOKENS, [], 400, "invalid_request_error"),
        ("/v1/messages/batches", {}, 404, "not_found_error"),
        ("/v1/messages/batches/b/results", {}, 404, "not_found_error"),
        ("/v1/messages/", {"model": "m"}, 400, "invalid_request_error"),
    ],
)
async def test_errors_at_and_below_messages_are_in_anthropics_envelope(
    path: str, body: Any, status: int, kind: str
) -> None:
    answer = await post(path, body)
    assert answer.status_code == status
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == kind
    assert "zeal" not in answer.text


@pytest.mark.anyio
async def test_a_wrong_method_below_messages_is_told_in_the_same_envelope() -> None:
    async with client(plane(Tokenizer())) as http:
        answer = await http.get(COUNT_TOKENS)
    assert (answer.status_code, answer.headers["allow"], answer.json()["type"]) == (405, "POST", "error")


@pytest.mark.anyio
async def test_media_are_counted_only_where_they_would_be_served() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
    body = {"model": "m", "messages": [{"role": "user", "content": [image]}]}
    assert (await post(COUNT_TOKENS, body)).status_code == 200
    refused = await post(COUNT_TOKENS, body, enforces=True)
    assert (refused.status_code, refused.json()["type"]) == (400, "error")


@pytest.mark.anyio
async def test_a_prompt_or_a_chat_is_tokenized_by_fields_of_the_table_alone() -> None:
    engine = Tokenizer()
    more = {"return_token_strs": True, "zeal": 1, "add_special_tokens": False, "temperature": 1}
    for asked in ({"prompt": "Hi"}, {"messages": HELLO}):
        answer = await post(TOKENIZE, {"model": "m", **asked, **more}, engine=engine)
        assert answer.json() == {"count": 1, "max_model_len": 64, "tokens": [1], "token_strs": None}
        assert engine.asked.pop() == {
            "model": "m",
            **asked,
            "add_special_tokens": False,
            "return_token_strs": True,
        }


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        (TOKENIZE, {}, "prompt"),
        (TOKENIZE, {"prompt": [1]}, "prompt"),
        (TOKENIZE, {"prompt": ["x"]}, "prompt"),
        (TOKENIZE, {"prompt": "x", "return_token_strs": "x"}, "return_token_strs"),
        (TOKENIZE, {"messages": HELLO, "chat_template": "x"}, "chat_template"),
        (TOKENIZE, {"messages": HELLO, "chat_template_kwargs": {"date": "x"}}, "chat_template_kwargs"),
        (TOKENIZE, {"messages": [{"role": "zeal", "content": "x"}]}, "messages"),
        (DETOKENIZE, {}, "tokens"),
        (DETOKENIZE, {"tokens": [1.0]}, "tokens"),
        (DETOKENIZE, {"tokens": [True]}, "tokens"),
        (DETOKENIZE, {"tokens": ["1"]}, "tokens"),
        (DETOKENIZE, {"tokens": [-1]}, "tokens"),
        (DETOKENIZE, {"tokens": [2**70]}, "tokens"),
        (DETOKENIZE, {"tokens": [9]}, "tokens"),
    ],
    ids=str,
)
async def test_what_is_no_prompt_and_no_id_is_refused_by_name(route: str, body: Any, field: str) -> None:
    answer = await post(route, body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)


@pytest.mark.anyio
async def test_ids_become_the_text_that_they_spell() -> None:
    engine = Tokenizer()
    answer = await post(DETOKENIZE, {"model": "m", "tokens": [1, 2], "zeal": 1}, engine=engine)
    assert (answer.status_code, answer.json()) == (200, {"prompt": "Hi"})
    assert engine.asked == [{"tokens": [1, 2]}]


@pytest.mark.anyio
@pytest.mark.parametrize("route", [COUNT_TOKENS, TOKENIZE, DETOKENIZE])
async def test_they_take_a_key_and_a_ready_engine_as_the_routes_that_generate_do(route: str) -> None:
    body = {"messages": HELLO, "tokens": [1]}
    async with client(plane(Tokenizer(), "k1")) as http:
        assert (await http.post(route, json=body)).status_code == 401
        assert (await http.post(route, json=body, headers={"x-api-key": "k1"})).status_code == 200
        plain = await http.post(route, content=b"{}", headers={"x-api-key": "k1", "content-type": "text/plain"})
        assert plain.status_code == 415
    async with client(plane(None)) as http:
        assert (await http.post(route, json=body)).status_code == 503
