"""What the model may read, the detector has read: a name in every place of the engine's request classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import orjson
import pytest

from guard.errors import RequestRefused
from serving.protocol.fields import FIELD_RULES, MESSAGE_MEMBERS, Decision
from serving.protocol.refused_fields import ALL, CHAT, COMPLETIONS, MESSAGES, REFUSED_FIELDS, RESPONSES
from serving.protocol.request import parse

pytest.importorskip("vllm", reason="the engine is not installed")

NAME = "Ilsabet Quorne"
# Texts of which the model is given nothing.
UNREAD = {"model", "cache_salt"}
DEEPEST = 9
HI = {"role": "user", "content": "hi"}
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"model": "m", "messages": [HI]},
    COMPLETIONS: {"model": "m", "prompt": "hi"},
    RESPONSES: {"model": "m", "input": "hi"},
    MESSAGES: {"model": "m", "max_tokens": 9, "messages": [HI]},
}


@cache
def engine_class(route: str) -> Any:
    with warnings.catch_warnings():
        # Of torch's own making.
        warnings.simplefilter("ignore")
        from vllm.entrypoints.anthropic.protocol import AnthropicMessagesRequest
        from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
        from vllm.entrypoints.openai.completion.protocol import CompletionRequest
        from vllm.entrypoints.openai.responses.protocol import ResponsesRequest

    return {
        CHAT: ChatCompletionRequest,
        COMPLETIONS: CompletionRequest,
        RESPONSES: ResponsesRequest,
        MESSAGES: AnthropicMessagesRequest,
    }[route]


class Places:
    """Values of a JSON schema, each with NAME in exactly one place."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._definitions = schema.get("$defs", {})

    def named(self, schema: Any, depth: int = 0) -> Iterator[Any]:
        if depth > DEEPEST:
            return
        if schema is True or schema == {} or not isinstance(schema, dict):
            yield from (
                NAME,
                {NAME: 1},
                {"type": NAME},
                {"id": [NAME]},
                [[NAME]],
                {"x": {"items": {NAME: {}}}},
            )
        elif "$ref" in schema:
            yield from self.named(self._of(schema), depth + 1)
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            for choice in choices:
                yield from self.named(choice, depth + 1)
        elif "enum" in schema or "const" in schema or schema.get("type") == "string":
            yield NAME
        elif schema.get("type") == "array":
            yield from ([item] for item in self.named(schema.get("items", True), depth + 1))
        elif schema.get("type") == "object":
            yield from self._object(schema, depth)

    def _object(self, schema: dict[str, Any], depth: int) -> Iterator[Any]:
        members = schema.get("properties", {})
        plain = {name: self.plain(members[name], depth) for name in schema.get("required", ()) if name in members}
        for name, member in members.items():
            yield from ({**plain, name: value} for value in self.named(member, depth + 1))
        yield from ({**plain, "zeal": value} for value in (NAME, {NAME: 1}))
        yield {**plain, NAME: "x"}

    def plain(self, schema: Any, depth: int = 0) -> Any:
        """Some value of the schema."""
        if depth > DEEPEST or not isinstance(schema, dict) or not schema:
            return {}
        if "$ref" in schema:
            return self.plain(self._of(schema), depth + 1)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self.plain(choices[0], depth + 1)
        if "const" in schema or "enum" in schema:
            return schema.get("const", (schema.get("enum") or [""])[0])
        if schema.get("type") == "object":
            members = schema.get("properties", {})
            return {n: self.plain(members[n], depth + 1) for n in schema.get("required", ()) if n in members}
        return {"string": "x", "array": [], "integer": 1, "number": 1.0, "boolean": True}.get(schema.get("type"))

    def _of(self, schema: dict[str, Any]) -> Any:
        return self._definitions[schema["$ref"].rsplit("/", 1)[-1]]


def bodies(route: str) -> Iterator[dict[str, Any]]:
    schema = engine_class(route).model_json_schema()
    places = Places(schema)
    yield from ({**BODIES[route], name: NAME} for name in ("zeal", NAME))
    for name, member in schema["properties"].items():
        yield from ({**BODIES[route], name: value} for value in places.named(member))


def messages() -> Iterator[dict[str, Any]]:
    """Turns as clients write them, which the classes' schemas leave open."""
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    part = {"type": "text", "text": "x"}
    for role in ("system", "developer", "user", "assistant", "tool", "function", NAME):
        plain = {"role": role, "content": "x"}
        for member in (*sorted(MESSAGE_MEMBERS - {"role"}), "task", NAME):
            yield {**plain, member: NAME}
        for calls in (
            {**call, "id": NAME},
            {**call, "type": NAME},
            {**call, NAME: 1},
            {**call, "function": {"name": NAME, "arguments": "{}"}},
            {**call, "function": {"name": "look", "arguments": orjson.dumps({NAME: 1}).decode()}},
            {**call, "function": {"name": "look", "arguments": "{}", NAME: 1}},
        ):
            yield {**plain, "tool_calls": [calls]}
        for parts in ({**part, "text": NAME}, {**part, NAME: 1}, {**part, "type": NAME}, {**part, "zeal": NAME}):
            yield {**plain, "content": [parts]}
        for url in (NAME, f"data:image/png;base64,{NAME}", {"url": NAME}, {"url": "x", "detail": NAME}):
            yield {**plain, "content": [{"type": "image_url", "image_url": url, "uuid": "x"}]}


def named(value: Any) -> Iterator[Any]:
    """Copies of `value`, each with NAME in one more place: for a string, as a key, as a member or an item."""
    if isinstance(value, str):
        yield NAME
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from ({**value, key: other} for other in named(member))
        yield from ({**value, NAME: 1}, {**value, "zeal": NAME}, {**value, "text": NAME})
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in named(item))
        yield [*value, NAME]


TEXT = {"type": "text", "text": "x"}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
BLOCKS: tuple[dict[str, Any], ...] = (
    TEXT,
    {"type": "image", "source": PNG},
    {"type": "image", "source": {"type": "url", "url": "https://a.example/x.png"}},
    {"type": "document", "title": "x", "context": "y", "source": {"type": "text", "data": "z"}},
    {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "QWRh"}},
    {"type": "document", "source": {"type": "content", "content": [TEXT, {"type": "image", "source": PNG}]}},
    {"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}},
    {"type": "search_result", "title": "x", "source": "y", "content": [TEXT]},
    {"type": "tool_reference", "tool_name": "look"},
    {"type": "web_search_result", "title": "x", "url": "y", "encrypted_content": "z"},
    {"type": "zeal", "note": ["x", {"y": "z"}]},
)
ASSISTANT: tuple[dict[str, Any], ...] = (
    {"type": "thinking", "thinking": "x", "signature": "y"},
    {"type": "tool_use", "id": "c", "name": "look", "input": {"a": ["b"]}},
    {"type": "server_tool_use", "id": "c", "name": "web_search", "input": {"query": "x"}},
    {"type": "mcp_tool_use", "id": "c", "name": "look", "server_name": "s", "input": {"query": "x"}},
)


def blocks() -> Iterator[list[dict[str, Any]]]:
    """Turns of a Messages request, with NAME somewhere in one block."""
    for block in (other for each in BLOCKS for other in named(each)):
        yield [{"role": "user", "content": [block]}]
        for kind in ("tool_result", "web_search_tool_result", "mcp_tool_result"):
            result = {"type": kind, "tool_use_id": "c", "content": [TEXT, block]}
            yield [{"role": "user" if kind == "tool_result" else "assistant", "content": [result]}]
    for block in (other for each in ASSISTANT for other in named(each)):
        yield [{"role": "assistant", "content": [TEXT, block]}]
    for role in ("system", "user"):
        for content in named([TEXT, TEXT]):
            yield [HI, {"role": role, "content": content}, HI]


PARTS: tuple[dict[str, Any], ...] = (
    {"type": "input_text", "text": "x"},
    {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
    {"type": "input_file", "filename": "x.txt", "file_data": "data:text/plain;base64,QWRh"},
    {"type": "input_file", "filename": "x.pdf", "file_url": "https://a.example/x.pdf"},
    {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
    {"type": "refusal", "refusal": "x"},
    {"type": "zeal", "note": ["x", {"y": "z"}]},
)


ITEMS: tuple[dict[str, Any], ...] = (
    {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "x"},
    {"type": "local_shell_call", "call_id": "c", "action": {"type": "exec", "command": ["ls"], "env": {"A": "b"}}},
    {"type": "local_shell_call_output", "id": "c", "output": "x"},
    {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "x", "stderr": "y"}]},
    {"type": "web_search_call", "id": "i", "action": {"type": "search", "query": "x"}},
    {"type": "mcp_call", "id": "i", "name": "x", "arguments": "{}", "output": "y"},
    {"type": "function_call", "call_id": "c", "namespace": "crew", "name": "look", "arguments": "{}"},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}], "content": []},
)
TOOLS: tuple[dict[str, Any], ...] = (
    {"type": "custom", "name": "x", "description": "y", "format": {"type": "text"}},
    {
        "type": "namespace",
        "name": "x",
        "description": "y",
        "tools": [{"type": "function", "name": "z", "description": "w", "parameters": {"title": "v"}}],
    },
    {"type": "web_search", "user_location": {"type": "approximate", "city": "x"}},
)


def items() -> Iterator[list[dict[str, Any]]]:
    """Items of a Responses request, with NAME somewhere in one of them."""
    for part in (other for each in PARTS for other in named(each)):
        yield [{"role": "user", "content": [part]}]
        for output in ([part], part):
            yield [{"type": "function_call_output", "call_id": "c", "output": output}]
    yield from ([other] for each in ITEMS for other in named(each))


def assert_touched_or_refused(route: str, body: dict[str, Any]) -> bool:
    """Return whether the engine would get the name; fail where it does and the detector does not."""
    try:
        request = parse(route, orjson.dumps(body))
    except RequestRefused:
        return False
    shown = {name: value for name, value in request.body.items() if name not in UNREAD}
    if NAME not in orjson.dumps(shown).decode():
        return False
    read = "\n".join(message.text for message in request.conversation(request.prompts.texts))
    assert NAME in read, body
    return True


@pytest.mark.parametrize("route", ALL)
def test_a_name_in_any_place_of_the_engines_class_is_read_or_never_reaches_it(route: str) -> None:
    tried = [assert_touched_or_refused(route, body) for body in bodies(route)]
    assert len(tried) > 50
    assert any(tried)


@pytest.mark.parametrize("route", [CHAT, MESSAGES, RESPONSES])
def test_a_name_in_any_place_of_a_turn_is_read_or_never_reaches_the_engine(route: str) -> None:
    member = "input" if route == RESPONSES else "messages"
    for turns in ([turn] for turn in messages()):
        assert_touched_or_refused(route, {**BODIES[route], member: [HI, *turns]})
        assert_touched_or_refused(route, {**BODIES[route], member: [*turns, HI]})


@pytest.mark.parametrize(
    ("route", "member", "turns"), [(MESSAGES, "messages", blocks), (RESPONSES, "input", items)]
)
def test_a_name_in_any_place_of_a_block_is_read_or_never_reaches_the_engine(
    route: str, member: str, turns: Callable[[], Iterator[list[dict[str, Any]]]]
) -> None:
    tried = [assert_touched_or_refused(route, {**BODIES[route], member: given}) for given in turns()]
    assert sum(tried) > 20


def test_a_name_in_any_place_of_a_tool_is_read_or_never_reaches_the_engine() -> None:
    given = ({**BODIES[RESPONSES], "tools": [other]} for tool in TOOLS for other in named(tool))
    assert sum(assert_touched_or_refused(RESPONSES, body) for body in given) > 5


def test_token_ids_mean_to_the_engine_what_the_detector_has_read() -> None:
    from pydantic import ValidationError

    tokens = (1, 7, 1.0, True, "1", None, [2], [2.0], "x", -1)
    rows = [list(row) for count in (0, 1, 2, 3) for row in product(tokens, repeat=count)]
    served = 0
    for prompt in (*rows, *([row] for row in rows), "x"):
        body = {"model": "m", "prompt": prompt}
        try:
            read = parse(COMPLETIONS, orjson.dumps(body)).prompts
        except RequestRefused:
            continue
        try:
            given = engine_class(COMPLETIONS)(**body).prompt
        except ValidationError:
            continue
        served += 1
        many = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
        assert list(read.texts) == many or [list(row) for row in read.rows] == many
    assert served > 10


@pytest.mark.parametrize("route", ALL)
def test_every_field_of_the_engines_class_has_a_decision(route: str) -> None:
    known = {rule.name for rule in FIELD_RULES if route in rule.routes}
    refused = {row.field for row in REFUSED_FIELDS if route in row.routes}
    assert engine_class(route).model_fields.keys() - known - refused == set()


def test_every_field_that_passes_is_one_of_the_engines_or_becomes_one() -> None:
    for rule in FIELD_RULES:
        for route in rule.routes:
            if rule.decision in (Decision.READ, Decision.PASS):
                assert rule.name in engine_class(route).model_fields, rule


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
def test_a_value_that_passes_means_the_same_to_the_engine(route: str) -> None:
    from pydantic import ValidationError
    from vllm.exceptions import VLLMValidationError

    values: list[Any] = [
        "false",
        "true",
        "64",
        64.0,
        "0.5",
        0,
        1,
        True,
        "left",
        ["1"],
        ["a"],
        {"a": 1},
        {"1": "2"},
    ]
    for rule in FIELD_RULES:
        if rule.decision is not Decision.PASS or route not in rule.routes or rule.name == "stream_options":
            continue
        for value in values:
            name = rule.name
            body = {**BODIES[route], name: value}
            try:
                sent = parse(route, orjson.dumps(body)).body
                theirs, ours = engine_class(route)(**body), engine_class(route)(**sent)
            except (RequestRefused, ValidationError, VLLMValidationError):
                continue
            assert theirs.__dict__[name] == ours.__dict__[name], (name, value)
