from __future__ import annotations

from typing import Any

import orjson
import pytest

from guard.errors import RequestRefused
from serving.protocol.dialects.dialect import Unmappable
from serving.protocol.dialects.responses_request import to_chat
from serving.protocol.refused_fields import RESPONSES
from serving.protocol.request import parse


def asked(given: Any = "Who sails?", **more: Any) -> dict[str, Any]:
    return to_chat({"model": "m", "input": given, **more})


def test_text_is_what_the_user_says_after_the_instructions() -> None:
    assert asked(instructions="Be brief.")["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who sails?"},
    ]


def test_a_conversation_of_items_becomes_chats_turns() -> None:
    items = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "input_text", "text": word} for word in ("Who", "sails?")]},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a":1}'},
        {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "Ada."},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "Nobody."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    ]
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}},
        {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
    ]
    assert asked(items)["messages"] == [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Who\nsails?"},
        {"role": "assistant", "content": "Let me see.", "reasoning": "Hm.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "Ada."},
        {"role": "tool", "tool_call_id": "c2", "content": "Nobody."},
        {"role": "assistant", "content": "No."},
    ]


def test_every_text_of_a_request_reaches_the_detector() -> None:
    body = {
        "model": "m",
        "instructions": "one",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "two"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "three"}]},
            {"type": "function_call", "call_id": "c", "name": "four", "arguments": "five"},
            {"type": "function_call_output", "call_id": "c", "output": "six"},
        ],
        "tools": [{"type": "function", "name": "seven", "description": "eight", "parameters": {"title": "nine"}}],
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {"enum": ["ten"]}}},
    }
    read = "\n".join(message.text for message in parse(RESPONSES, orjson.dumps(body)).conversation(()))
    for word in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"):
        assert word in read


def test_sampling_output_and_reasoning_are_asked_for_in_chats_words() -> None:
    chat = asked(
        temperature=0.5,
        max_output_tokens=9,
        stream=True,
        reasoning={"effort": "low"},
        text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": True}},
        include=["message.output_text.logprobs"],
        top_logprobs=3,
    )
    assert chat["temperature"] == 0.5
    assert chat["max_completion_tokens"] == 9
    assert (chat["stream"], chat["stream_options"]) == (True, {"include_usage": True})
    assert chat["reasoning_effort"] == "low"
    schema = {"name": "x", "schema": {"type": "object"}, "strict": True}
    assert chat["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert (chat["logprobs"], chat["top_logprobs"]) == (True, 3)


def test_tools_and_their_choice() -> None:
    tools = [{"type": "function", "name": name, "parameters": {}} for name in ("look", "find")]
    assert [tool["function"]["name"] for tool in asked(tools=tools)["tools"]] == ["look", "find"]
    named = asked(tools=tools, tool_choice={"type": "function", "name": "find"})
    assert named["tool_choice"] == {"type": "function", "function": {"name": "find"}}
    only = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "find"}]}
    allowed = asked(tools=tools, tool_choice=only)
    assert [tool["function"]["name"] for tool in allowed["tools"]] == ["find"]
    assert allowed["tool_choice"] == "required"


WEB = {"type": "web_search"}
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Patches."}
SPACE = {"type": "namespace", "name": "crew", "tools": [LOOK, {**LOOK, "name": "find"}, WEB]}


@pytest.mark.parametrize(
    "tool",
    [
        WEB,
        {"type": "web_search_preview"},
        {"type": "local_shell"},
        {"type": "mcp", "server_label": "s", "server_url": "https://a.example"},
        {"type": "computer_use_preview", "display_width": 1, "display_height": 1, "environment": "mac"},
        {"type": "image_generation"},
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {"type": "tool_search"},
        {"type": "namespace", "name": "x", "tools": [WEB]},
        {"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "zeal"},
    ],
    ids=lambda tool: tool["type"],
)
def test_tools_that_are_no_functions_are_left_out_or_refused_by_setting(tool: dict[str, Any]) -> None:
    (offered,) = asked(tools=[tool, LOOK])["tools"]
    assert offered["function"]["name"] == "look"
    assert "tools" not in asked(tools=[tool])
    with pytest.raises(Unmappable) as refused:
        to_chat({"model": "m", "input": "x", "tools": [LOOK, tool]}, "refuse")
    assert refused.value.field == "tools"


def test_custom_tools_and_those_of_a_namespace_are_offered_as_functions() -> None:
    chat = to_chat({"model": "m", "input": "x", "tools": [PATCH, SPACE]}, "refuse")
    functions = {tool["function"]["name"]: tool["function"] for tool in chat["tools"]}
    assert list(functions) == ["apply_patch", "crew__look", "crew__find"]
    assert functions["apply_patch"]["parameters"]["required"] == ["input"]
    assert functions["apply_patch"]["description"] == "Patches."


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "custom", "name": "apply_patch"}, "apply_patch"),
        ({"type": "function", "name": "find"}, "crew__find"),
        ({"type": "function", "name": "crew__find"}, "crew__find"),
        ({"type": "function", "name": "find", "namespace": "crew"}, "crew__find"),
        # Two tools have this name.
        ({"type": "function", "name": "look"}, "look"),
    ],
)
def test_a_tool_is_chosen_by_the_clients_own_name(choice: dict[str, Any], name: str) -> None:
    chat = asked(tools=[PATCH, SPACE, LOOK], tool_choice=choice)
    assert chat["tool_choice"] == {"type": "function", "function": {"name": name}}


def test_allowed_tools_may_name_some_that_are_not_offered() -> None:
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [WEB, {"type": "function", "name": "find"}]}
    chat = asked(tools=[WEB, SPACE], tool_choice=allowed)
    assert [tool["function"]["name"] for tool in chat["tools"]] == ["crew__find"]
    assert "tools" not in asked(tools=[WEB, SPACE], tool_choice={**allowed, "tools": [WEB]})
    with pytest.raises(Unmappable):
        asked(tools=[WEB, SPACE], tool_choice={**allowed, "mode": "required", "tools": [WEB]})


def test_what_a_client_ran_becomes_a_call_and_its_result() -> None:
    shell = {"type": "exec", "command": ["ls"]}
    items = [
        {"role": "user", "content": "Go."},
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done."},
        {"type": "local_shell_call", "id": "l", "call_id": "c2", "status": "completed", "action": shell},
        {"type": "local_shell_call_output", "id": "c2", "output": '{"output":"a"}'},
        {"type": "function_call", "call_id": "c3", "namespace": "crew", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c3", "output": "Ada."},
        {"type": "shell_call", "call_id": "c4", "action": {"commands": ["ls"]}},
        {"type": "shell_call_output", "call_id": "c4", "output": [{"stdout": "b", "stderr": "c"}]},
    ]
    turns = asked(items)["messages"][1:]
    calls = [turn["tool_calls"][0] for turn in turns[::2]]
    assert [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls] == [
        ("c1", "apply_patch", '{"input":"*** Begin"}'),
        ("c2", "local_shell", '{"action":{"type":"exec","command":["ls"]}}'),
        ("c3", "crew__look", "{}"),
        ("c4", "shell", '{"action":{"commands":["ls"]}}'),
    ]
    results = [(turn["role"], turn["tool_call_id"], turn["content"]) for turn in turns[1::2]]
    assert results == [
        ("tool", "c1", "Done."),
        ("tool", "c2", '{"output":"a"}'),
        ("tool", "c3", "Ada."),
        ("tool", "c4", "b\nc"),
    ]


def test_what_another_server_ran_is_text_of_the_assistants() -> None:
    search = {
        "type": "web_search_call",
        "id": "w",
        "status": "completed",
        "action": {"type": "search", "query": "Ada"},
    }
    drawn = {"type": "image_generation_call", "id": "i", "status": "completed", "result": "QUJD" * 100}
    listed = {"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": []}
    turns = asked([search, drawn, listed, {"role": "user", "content": "So?"}])["messages"]
    assert turns == [
        {"role": "assistant", "content": "[web_search_call]\nAda"},
        {"role": "user", "content": "So?"},
    ]


@pytest.mark.parametrize("given", [{}, {"instructions": "Be brief."}])
def test_a_request_without_turns_is_one_of_an_empty_turn(given: dict[str, Any]) -> None:
    assert asked([], **given)["messages"][-1] == {"role": "user", "content": ""}


def test_what_is_unknown_is_not_passed_on() -> None:
    assert asked(n=3, messages=[{"role": "user", "content": "x"}], documents=["y"]).keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"input": 3}, "input"),
        ({"input": None}, "input"),
        ({"input": ["x"]}, "input"),
        ({"input": [{"type": "item_reference", "id": "i"}]}, "input"),
        ({"input": [{"type": "zeal", "id": "i"}]}, "input"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, "input"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input"),
        ({"input": "x", "instructions": ["y"]}, "instructions"),
        ({"input": "x", "tools": [{"type": "custom"}]}, "tools"),
        ({"input": "x", "tools": [{"type": "custom", "name": "f", "format": "g"}]}, "tools"),
        ({"input": "x", "tools": [{"type": "web_search"}], "tool_choice": "required"}, "tool_choice"),
        ({"input": "x", "tools": [{"type": "function"}]}, "tools"),
        ({"input": "x", "tool_choice": {"type": "mcp"}}, "tool_choice"),
        ({"input": "x", "text": "json"}, "text"),
        ({"input": "x", "include": "all"}, "include"),
        ({"input": "x", "metadata": {"k": 1}}, "metadata"),
        ({"input": "x", "metadata": "k"}, "metadata"),
        ({"input": "x", "top_logprobs": "many"}, "top_logprobs"),
    ],
)
def test_what_chat_has_no_word_for_is_refused_by_name(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Unmappable) as refused:
        to_chat({"model": "m", **given})
    assert refused.value.field == field
    assert field in refused.value.message


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt", "background", "vllm_xargs"])
def test_what_needs_a_memory_or_would_disarm_is_refused_by_name(field: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse(RESPONSES, orjson.dumps({"model": "m", "input": "x", field: "y"}))
    assert (refused.value.field, refused.value.code) == (field, "field_not_allowed")


PNG = "data:image/png;base64,iVBORw0KGgo="
PICTURE = {"type": "image_url", "image_url": {"url": PNG, "detail": "auto"}}


@pytest.mark.parametrize(
    ("output", "content"),
    [
        ("Ada.", "Ada."),
        (None, ""),
        ([], ""),
        ([{"type": "input_text", "text": "Ada"}, {"type": "output_text", "text": "Bo"}], "Ada\nBo"),
        (
            [{"type": "input_text", "text": "ok"}, {"type": "input_image", "image_url": PNG}],
            [{"type": "text", "text": "ok"}, PICTURE],
        ),
        ({"type": "computer_screenshot", "image_url": PNG}, [PICTURE]),
        ([{"type": "input_image", "file_id": "f"}], "[content omitted]"),
        ([{"type": "zeal", "note": "Ada", "data": "QUJD" * 100}], "Ada"),
    ],
    ids=str,
)
def test_a_tools_output_never_ends_a_session(output: Any, content: Any) -> None:
    (message,) = asked([{"type": "function_call_output", "call_id": "c", "output": output}])["messages"]
    assert message == {"role": "tool", "tool_call_id": "c", "content": content}


def test_files_and_sounds_become_chats_parts() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}
    file = {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,QWRh"}
    remote = {"type": "input_file", "file_url": "https://a.example/a.pdf"}
    (message,) = asked([{"role": "user", "content": [sound, file, remote]}])["messages"]
    assert message["content"] == [
        sound,
        {"type": "file", "file": {"file_data": "data:text/plain;base64,QWRh", "filename": "a.txt"}},
        {"type": "file", "file": {"file_data": "https://a.example/a.pdf"}},
    ]
