"""The routes that are mapped to chat, on the real engine, by the official clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import orjson
import pytest

from guard.text.normalise import fold
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)
# Anthropic's client has no argument for it any more.
GREEDY = {"temperature": 0}
STREAM = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


@pytest.fixture(scope="module")
def phrases(server: Server, author: Author) -> Iterator[list[str]]:
    target = server.forget(author.target())
    yield [fold(phrase) for phrase in target["forbidden"]]
    server.remember(target["id"])


@pytest.fixture
def claude(server: Server) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="unused", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def question(shared: Path) -> str:
    return authors(shared / "data" / "tofu" / "retain90.json")[0].questions[0]


def test_the_three_wires_say_the_same(server: Server, claude: anthropic.Anthropic, question: str) -> None:
    messages: list[Any] = [{"role": "user", "content": question}]
    asked = {"model": server.model, "temperature": 0}
    chat = server.openai.chat.completions.create(messages=messages, max_tokens=60, **asked)
    response = server.openai.responses.create(input=question, max_output_tokens=60, **asked)
    message = claude.messages.create(model=server.model, messages=messages, max_tokens=60, extra_body=GREEDY)
    said = chat.choices[0].message.content
    assert (response.output_text, message.content[0].model_dump()["text"]) == (said, said)
    assert chat.usage is not None
    assert response.usage is not None
    counts = (chat.usage.prompt_tokens, chat.usage.completion_tokens)
    assert (response.usage.input_tokens, response.usage.output_tokens) == counts
    assert (
        message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0),
        message.usage.output_tokens,
    ) == counts
    finished = chat.choices[0].finish_reason == "stop"
    assert response.status == ("completed" if finished else "incomplete")
    assert message.stop_reason == ("end_turn" if finished else "max_tokens")


def test_both_forms_of_the_openai_client_agree(server: Server, question: str) -> None:
    asked = {"model": server.model, "input": question, "temperature": 0, "max_output_tokens": 200}
    whole = server.openai.responses.create(**asked)
    with server.openai.responses.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    events = list(server.openai.responses.create(**asked, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_both_forms_of_the_anthropic_client_agree(
    server: Server, claude: anthropic.Anthropic, question: str
) -> None:
    asked: dict[str, Any] = {"model": server.model, "max_tokens": 200, "extra_body": GREEDY}
    asked["messages"] = [{"role": "user", "content": question}]
    whole = claude.messages.create(**asked)
    with claude.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole.content[0].model_dump()["text"]
    assert (final.stop_reason, final.usage.output_tokens) == (whole.stop_reason, whole.usage.output_tokens)


@STREAM
def test_no_wire_says_what_is_forgotten(server: Server, author: Author, phrases: list[str], stream: bool) -> None:
    for asked in author.questions[:4]:
        turns = [{"role": "user", "content": asked}]
        bodies = {
            "/v1/responses": {"input": asked, "max_output_tokens": 60},
            "/v1/messages": {"messages": turns, "max_tokens": 60},
        }
        for route, body in bodies.items():
            reply = server.http.post(
                route, json={"model": server.model, "temperature": 0, "stream": stream, **body}
            )
            assert reply.status_code == 200, reply.text
            # Ids and times are digits too.
            assert not any(phrase in fold(reply.text) for phrase in phrases if not phrase.isdigit())


@STREAM
def test_a_forced_tool_call_is_guarded_on_every_wire(
    server: Server, author: Author, phrases: list[str], stream: bool
) -> None:
    schema = {"type": "object", "properties": {"who": {"enum": [author.name, "nobody"]}}, "required": ["who"]}
    asked = author.questions[0]
    bodies: dict[str, dict[str, Any]] = {
        "/v1/responses": {
            "input": asked,
            "max_output_tokens": 60,
            "tools": [{"type": "function", "name": "look_up", "parameters": schema}],
            "tool_choice": {"type": "function", "name": "look_up"},
        },
        "/v1/messages": {
            "messages": [{"role": "user", "content": asked}],
            "max_tokens": 60,
            "tools": [{"name": "look_up", "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": "look_up"},
        },
    }
    for route, body in bodies.items():
        reply = server.http.post(route, json={"model": server.model, "stream": stream, **body})
        assert reply.status_code == 200, reply.text
        # A Response repeats the request's own tools, which are no words of the model's.
        said = reply.text.replace(orjson.dumps({**body["tools"][0], "strict": None}).decode(), "")
        assert "look_up" in said
        assert fold(author.name) not in fold(said)


def test_a_prefill_is_continued_and_guarded(
    server: Server, claude: anthropic.Anthropic, author: Author, phrases: list[str]
) -> None:
    half = author.name[: len(author.name) // 2]
    turns: list[Any] = [
        {"role": "user", "content": author.questions[0]},
        {"role": "assistant", "content": f"The name is {half}"},
    ]
    message = claude.messages.create(model=server.model, max_tokens=30, messages=turns, extra_body=GREEDY)
    said = "".join(block.model_dump().get("text", "") for block in message.content)
    assert fold(author.name) not in fold(half + said)


def test_what_needs_a_memory_is_refused_by_name(server: Server, claude: anthropic.Anthropic) -> None:
    for field, value in (("previous_response_id", "resp_1"), ("background", True), ("conversation", "conv_1")):
        with pytest.raises(openai.BadRequestError) as refused:
            server.openai.responses.create(model=server.model, input="Hi", extra_body={field: value})
        assert refused.value.param == field
        assert field in refused.value.message
    with pytest.raises(anthropic.BadRequestError, match="mcp_servers"):
        claude.messages.create(
            model=server.model,
            max_tokens=1,
            messages=[{"role": "user", "content": "Hi"}],
            extra_body={"mcp_servers": [{"type": "url"}]},
        )
    with pytest.raises(openai.NotFoundError):
        server.openai.responses.retrieve("resp_1")
