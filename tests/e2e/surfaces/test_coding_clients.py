"""What coding clients send beside plain turns, to the real engine: reminders, pictures, files, tools, counts."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from serving.protocol.refused_fields import CHAT, MESSAGES, RESPONSES
from serving.settings import DECLINE_TEXT
from tests.e2e.server import Server, serving

pytestmark = pytest.mark.e2e
NAME = "Anouk Delvarine"
ABOUT = f"The talk is about {NAME}."
PNG = "iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQAAAACCEkxzAAAAD0lEQVR42mNgGAWjgHwAAAJAAAHgTR1EAAAAAElFTkSuQmCC"
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
TEXT = {"type": "text", "text": "Done."}
LOOK = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}
FUNCTION = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
HOSTED: tuple[dict[str, Any], ...] = (
    {"type": "web_search"},
    {"type": "local_shell"},
    {"type": "mcp", "server_label": "s", "server_url": "https://a.example"},
    {"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
    {"type": "namespace", "name": "crew", "description": "", "tools": [FUNCTION]},
)
SYSTEM_FIRST = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' and not loop.first %}{{ raise_exception('system first') }}{% endif %}"
    "{% set role = {'system': 'system', 'assistant': 'assistant'}[message['role']] %}"
    "<|{{ role or 'user' }}|>{{ message['content'] or '' }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@pytest.fixture
def declined(demo: Server) -> Iterator[None]:
    """A target that is declined wherever the detector reads its name."""
    target = demo.forget({"name": NAME, "methods": ["decline"]})
    yield
    demo.remember(target["id"])


@pytest.fixture(scope="module")
def system_first(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose chat template takes system text only at the beginning."""
    folder = tmp_path_factory.mktemp("system-first")
    template = folder / "template.jinja"
    template.write_text(SYSTEM_FIRST)
    arguments = f"--chat-template {template}"
    with serving(folder, "--model", str(demo_model), LETHE_ENGINE_ARGS=arguments) as running:
        yield running


def post(server: Server, route: str, **body: Any) -> Any:
    limit = {MESSAGES: "max_tokens", RESPONSES: "max_output_tokens", CHAT: "max_tokens"}[route]
    return server.http.post(route, json={"model": server.model, "temperature": 0, limit: 16, **body})


def said(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    parts = body["content"] if "content" in body else body["output"][0]["content"]
    return "".join(part.get("text", "") for part in parts)


def result(*blocks: dict[str, Any]) -> list[dict[str, Any]]:
    """A session in which a tool has answered with `blocks`."""
    use = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    answered = {"type": "tool_result", "tool_use_id": "c1", "content": [TEXT, *blocks]}
    return [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [answered]},
    ]


def document(text: str, **source: Any) -> dict[str, Any]:
    given = source or {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "document", "source": given}


def reminded(text: str) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "system", "content": text},
        {"role": "user", "content": "Where is Sallowmere?"},
    ]


def test_reminders_between_turns_are_merged_where_the_template_wants_them_first(system_first: Server) -> None:
    turns = reminded("Reminder: be brief.")
    for more in ({}, {"system": "Be kind."}):
        assert post(system_first, MESSAGES, messages=turns, **more).status_code == 200
    # As vLLM answers there.
    assert post(system_first, CHAT, messages=turns).status_code == 400
    target = system_first.forget({"name": NAME, "methods": ["decline"]})
    assert said(post(system_first, MESSAGES, messages=reminded(ABOUT))) == DECLINE_TEXT
    system_first.remember(target["id"])


@pytest.mark.usefixtures("declined")
def test_reminders_are_read_where_the_template_takes_them(demo: Server) -> None:
    assert said(post(demo, MESSAGES, messages=reminded(ABOUT))) == DECLINE_TEXT
    assert said(post(demo, MESSAGES, messages=reminded("Be brief."))) != DECLINE_TEXT


@pytest.mark.parametrize(
    "block",
    [
        IMAGE,
        {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
        document("", type="base64", media_type="application/pdf", data="JVBERi0xLjc="),
        document("x"),
        {"type": "search_result", "title": "x", "source": "y", "content": [TEXT]},
        {"type": "tool_reference", "tool_name": "look"},
        {"type": "zeal"},
    ],
    ids=lambda block: block["type"],
)
def test_nothing_in_a_tool_result_ends_a_session(demo: Server, block: dict[str, Any]) -> None:
    turns = [*result(block), {"role": "assistant", "content": "Ah."}, {"role": "user", "content": "Hello!"}]
    assert post(demo, MESSAGES, messages=turns, tools=[LOOK]).status_code == 200
    target = demo.forget({"name": NAME})
    assert post(demo, MESSAGES, messages=turns, tools=[LOOK]).status_code == 200
    demo.remember(target["id"])


@pytest.mark.usefixtures("declined")
@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": ABOUT},
        document(ABOUT),
        document("", type="base64", media_type="text/plain", data=base64.b64encode(ABOUT.encode()).decode()),
        document("", type="content", content=[{"type": "text", "text": ABOUT}]),
        {"type": "search_result", "title": NAME, "source": "y", "content": [TEXT]},
        {"type": "search_result", "title": "x", "source": "y", "content": [{"type": "text", "text": ABOUT}]},
        {"type": "tool_reference", "tool_name": NAME},
    ],
    ids=lambda block: block["type"],
)
def test_the_text_of_every_block_is_read(demo: Server, block: dict[str, Any]) -> None:
    assert said(post(demo, MESSAGES, messages=result(IMAGE, block))) == DECLINE_TEXT
    if block["type"] != "tool_reference":
        assert said(post(demo, MESSAGES, messages=[{"role": "user", "content": [block]}])) == DECLINE_TEXT


@pytest.mark.usefixtures("declined")
def test_lists_of_outputs_are_read_and_their_pictures_left_out(demo: Server) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    for text, touched in (("Done.", False), (ABOUT, True)):
        items = [
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_text", "text": text}, picture],
            },
        ]
        assert (said(post(demo, RESPONSES, input=items)) == DECLINE_TEXT) is touched


@pytest.mark.parametrize("size", [60, 450_000])
def test_pictures_are_refused_unread_while_a_target_is_enforced(demo: Server, size: int) -> None:
    data = base64.b64encode(os.urandom(size)).decode()
    url = f"data:image/png;base64,{data}"
    sound = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    source = {"type": "base64", "media_type": "image/png", "data": data}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        (CHAT, "messages", {"type": "image_url", "image_url": {"url": url}}),
        (CHAT, "messages", {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}),
        (CHAT, "messages", sound),
        (CHAT, "messages", {"type": "file", "file": {"file_data": url}}),
        (RESPONSES, "input", {"type": "input_image", "image_url": url}),
        (RESPONSES, "input", {"type": "input_file", "file_data": url}),
        (MESSAGES, "messages", {"type": "image", "source": source}),
        (MESSAGES, "messages", {"type": "document", "source": {**source, "media_type": "application/pdf"}}),
    ]
    target = demo.forget({"name": NAME})
    for route, member, part in asked:
        answer = post(demo, route, **{member: [{"role": "user", "content": [part]}]})
        assert answer.status_code == 400
        assert "cannot examine" in answer.json()["error"]["message"]
    demo.remember(target["id"])


def test_hosted_tools_are_left_out_and_functions_served(demo: Server) -> None:
    for tools in ([FUNCTION, *HOSTED], *([tool] for tool in HOSTED)):
        answer = post(demo, RESPONSES, input="Hello!", tools=tools)
        assert answer.status_code == 200, answer.text
        assert {tool["type"] for tool in answer.json()["tools"]} <= {"function", "namespace"}
    tools = [LOOK, {"type": "web_search_20250305", "name": "web_search"}]
    assert post(demo, MESSAGES, messages=[{"role": "user", "content": "Hello!"}], tools=tools).status_code == 200
    assert post(demo, RESPONSES, input=[], max_output_tokens=1).status_code == 200


@pytest.mark.usefixtures("declined")
@pytest.mark.parametrize(
    "item",
    [
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": ABOUT},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": ABOUT},
        {"type": "local_shell_call", "call_id": "c1", "action": {"type": "exec", "command": ["echo", ABOUT]}},
        {"type": "local_shell_call_output", "id": "c1", "output": ABOUT},
        {"type": "web_search_call", "id": "w1", "action": {"type": "search", "query": ABOUT}},
    ],
    ids=lambda item: item["type"],
)
def test_calls_in_the_history_are_read(demo: Server, item: dict[str, Any]) -> None:
    items = [{"role": "user", "content": "Hi"}, item, {"role": "user", "content": "So?"}]
    assert said(post(demo, RESPONSES, input=items)) == DECLINE_TEXT


def test_a_custom_tool_is_called_with_a_text(demo: Server) -> None:
    tools: list[Any] = [{"type": "custom", "name": "apply_patch", "description": "Patches."}]
    asked: dict[str, Any] = {"model": demo.model, "input": "Hello!", "tools": tools, "max_output_tokens": 60}
    asked["tool_choice"] = {"type": "custom", "name": "apply_patch"}
    # A whole answer that was cut before its arguments end is text, as vLLM has it.
    *events, last = demo.openai.responses.create(**asked, stream=True)
    assert "response.custom_tool_call_input.done" in [event.type for event in events]
    called = last.model_dump()["response"]["output"][0]
    assert (called["type"], called["name"]) == ("custom_tool_call", "apply_patch")


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": "Hi"}], "system": "Be brief.", "tools": [LOOK]},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well,"}]},
        {"messages": [{"role": "user", "content": "Hi"}], "thinking": {"type": "disabled"}},
        {"messages": reminded("Be brief."), "output_config": {"effort": "low"}},
        {"messages": result(IMAGE), "tools": [LOOK], "tool_choice": {"type": "none"}},
    ],
    ids=lambda body: "-".join(body),
)
def test_tokens_are_counted_as_they_are_used(demo: Server, body: dict[str, Any]) -> None:
    counted = demo.http.post(f"{MESSAGES}/count_tokens?beta=true", json={"model": demo.model, **body})
    assert counted.status_code == 200, counted.text
    assert counted.json() == {"input_tokens": post(demo, MESSAGES, **body).json()["usage"]["input_tokens"]}


def test_anthropics_client_counts_and_ids_become_text_again(demo: Server) -> None:
    turns: list[Any] = [{"role": "user", "content": "Hi"}]
    with anthropic.Anthropic(base_url=demo.url, api_key="unused", max_retries=0) as claude:
        counted = claude.messages.count_tokens(model=demo.model, messages=turns).input_tokens
        with pytest.raises(anthropic.NotFoundError) as unknown:
            claude.messages.batches.retrieve("b")
    assert unknown.value.body["type"] == "error"  # type: ignore[index, call-overload]
    chat = demo.http.post("/tokenize", json={"model": demo.model, "messages": turns}).json()
    assert chat["count"] == counted == len(chat["tokens"])
    prompt = demo.http.post("/tokenize", json={"prompt": "Hello, sailor.", "return_token_strs": True}).json()
    assert len(prompt["token_strs"]) == prompt["count"]
    text = demo.http.post("/detokenize", json={"tokens": prompt["tokens"]}).json()["prompt"]
    assert text.endswith("Hello, sailor.")
