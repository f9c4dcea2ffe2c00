from __future__ import annotations

from typing import Any

import orjson
import pytest

from serving.protocol.dialects.dialect import Unmappable
from serving.protocol.dialects.messages_request import to_chat
from serving.protocol.refused_fields import MESSAGES
from serving.protocol.request import parse

HELLO = [{"role": "user", "content": "Who sails?"}]


def asked(messages: Any = HELLO, **more: Any) -> dict[str, Any]:
    return to_chat({"model": "m", "max_tokens": 9, "messages": messages, **more})


def test_the_system_text_comes_first() -> None:
    blocks = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    for system in ("Be\nbrief.", blocks):
        assert asked(system=system)["messages"] == [{"role": "system", "content": "Be\nbrief."}, *HELLO]


def test_tool_use_and_results_become_chats_calls_and_tool_messages() -> None:
    turns = [
        *HELLO,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "Ada."}]},
                {"type": "text", "text": "So?"},
            ],
        },
    ]
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
    assert asked(turns)["messages"][1:] == [
        {"role": "assistant", "content": "Let me see.", "reasoning": "Hm.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Ada."},
        {"role": "user", "content": "So?"},
    ]


def test_a_last_turn_of_the_assistants_is_continued() -> None:
    chat = asked([*HELLO, {"role": "assistant", "content": "She is"}])
    assert (chat["continue_final_message"], chat["add_generation_prompt"]) == (True, False)
    assert "continue_final_message" not in asked()


def test_sampling_tools_and_output_are_asked_for_in_chats_words() -> None:
    chat = asked(
        temperature=0.5,
        top_k=3,
        stop_sequences=["zzz"],
        stream=True,
        tools=[{"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}},
    )
    assert (chat["max_completion_tokens"], chat["temperature"], chat["top_k"]) == (9, 0.5, 3)
    assert chat["stop"] == ["zzz"]
    assert chat["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    function = {"name": "look", "parameters": {"type": "object"}, "description": "Looks."}
    assert chat["tools"] == [{"type": "function", "function": function}]
    assert (chat["tool_choice"], chat["parallel_tool_calls"]) == ("required", False)
    assert chat["reasoning_effort"] == "low"
    assert chat["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_a_budget_for_thinking_is_not_passed_on() -> None:
    assert "thinking_token_budget" not in asked(thinking={"type": "enabled", "budget_tokens": 2000})


def test_every_text_of_a_request_reaches_the_detector() -> None:
    body = {
        "model": "m",
        "max_tokens": 1,
        "system": [{"type": "text", "text": "one"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "two"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "three", "signature": ""},
                    {"type": "tool_use", "id": "c", "name": "four", "input": {"k": "five"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "six"}]},
        ],
        "tools": [{"name": "seven", "description": "eight", "input_schema": {"title": "nine"}}],
    }
    read = "\n".join(message.text for message in parse(MESSAGES, orjson.dumps(body)).conversation(()))
    for word in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"):
        assert word in read


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "messages"),
        ({"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]}, "messages"),
        ({"system": [{"type": "image"}]}, "system"),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}], "tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [{"name": 3}]}, "tools"),
        ({"tools": [{"name": "f", "input_schema": {}}], "tool_choice": {"type": "x"}}, "tool_choice"),
        ({"output_config": {"format": {"type": "x"}}}, "output_config"),
    ],
)
def test_what_chat_has_no_word_for_is_refused_by_name(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Unmappable) as refused:
        to_chat({"model": "m", "max_tokens": 1, "messages": HELLO, **given})
    assert refused.value.field == field


def test_system_turns_are_text_where_they_stand() -> None:
    blocks = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    for content in ("Be\nbrief.", blocks):
        turns = [*HELLO, {"role": "system", "content": content}]
        assert asked(turns)["messages"] == [*HELLO, {"role": "system", "content": "Be\nbrief."}]


def test_an_empty_system_turn_and_a_coding_clients_own_line_are_left_out() -> None:
    line = {"type": "text", "text": "x-anthropic-billing-header: cch=1a2b"}
    for content in ("", [], [line], line["text"]):
        assert asked([{"role": "system", "content": content}, *HELLO], system=content)["messages"] == HELLO
    assert asked(system=[line, {"type": "text", "text": "Be brief."}])["messages"][0]["content"] == "Be brief."


@pytest.mark.parametrize(
    "kind", ["web_search_20250305", "bash_20250124", "text_editor_20250728", "mcp_toolset", "zeal"]
)
def test_tools_that_are_not_the_clients_are_left_out_or_refused_by_setting(kind: str) -> None:
    tools = [{"type": kind, "name": kind}, {"name": "look", "input_schema": {}}]
    assert [tool["function"]["name"] for tool in asked(tools=tools)["tools"]] == ["look"]
    assert "tools" not in asked(tools=tools[:1])
    with pytest.raises(Unmappable) as refused:
        to_chat({"model": "m", "max_tokens": 1, "messages": HELLO, "tools": tools}, "refuse")
    assert refused.value.field == "tools"


def test_system_turns_change_the_tools_that_are_offered() -> None:
    def change(kind: str, **tool: Any) -> dict[str, Any]:
        return {"role": "system", "content": [{"type": kind, "tool": tool}]}

    tools = [{"name": name, "input_schema": {}} for name in ("look", "find")]
    added = change("tool_addition", type="tool_definition", definition={"name": "sail", "input_schema": {}})
    removed = change("tool_removal", type="tool_reference", name="look")
    referred = change("tool_addition", type="tool_reference", name="find")
    chat = asked([*HELLO, added, removed, referred], tools=tools)
    assert [tool["function"]["name"] for tool in chat["tools"]] == ["find", "sail"]
    assert chat["messages"] == HELLO
