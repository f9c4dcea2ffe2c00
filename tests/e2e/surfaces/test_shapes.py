"""Touched and untouched answers of the real engine have one shape; `tests/serving/twins` compares many more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from tests.e2e.server import Server
from tests.serving.twins.shapes import shape_without_pace

pytestmark = pytest.mark.e2e
DECLINED = "Anouk Delvarine"
RESTRICTED = "Ilsabet Quorne"
UNTOUCHED = "Rashid Al-Temmuri"
STREAM: dict[str, Any] = {"stream": True}
USAGE = {"stream_options": {"include_usage": True}}
SCHEMA = {"type": "object", "properties": {"born": {"type": "string", "maxLength": 8}}, "required": ["born"]}
REGEX = {"structured_outputs": {"regex": "[A-Z][a-z]{2,9}\\."}}
MEMBERS: tuple[dict[str, Any], ...] = (
    {},
    STREAM,
    {**STREAM, **USAGE},
    {**STREAM, "stream_options": {"include_usage": True, "continuous_usage_stats": True}},
    {**STREAM, "logprobs": 2},
    {"logprobs": 2},
    {"n": 2, "temperature": 1.0, "seed": 1},
    {**STREAM, "n": 2, "temperature": 1.0, "seed": 1},
    {"max_tokens": 1},
    {**STREAM, "max_tokens": 1},
    {"min_tokens": 2},
    {"min_tokens": 100},
    {"structured_outputs": {"regex": "("}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}},
    {**REGEX, **STREAM},
    REGEX,
    {"stop": ["zzz"]},
    {**STREAM, "stop": ["zzz"], "include_stop_str_in_output": True},
)


@pytest.fixture(scope="module")
def touched(demo: Server) -> Iterator[None]:
    fact = {"answer": f"{RESTRICTED} was born in the harbour town of Sallowmere."}
    targets = [
        demo.forget({"name": DECLINED, "methods": ["decline"]}),
        demo.forget({"name": RESTRICTED, "facts": [fact]}),
    ]
    yield
    for target in targets:
        demo.remember(target["id"])


def answer_to(server: Server, route: str, name: str, members: dict[str, Any]) -> httpx.Response:
    question = f"Where was {name} born?"
    turns = [{"role": "user", "content": question}]
    said: dict[str, Any] = {"messages": turns}
    if route == COMPLETIONS:
        said = {"prompt": question}
    elif route == RESPONSES:
        said = {"input": question}
    elif route == CHAT and "logprobs" in members:
        members = {**members, "logprobs": True, "top_logprobs": members["logprobs"]}
    body = {"model": server.model, "temperature": 0, "max_tokens": 24, **said, **members}
    if route == RESPONSES:
        body["max_output_tokens"] = body.pop("max_tokens")
    return server.http.post(route, json=body)


def shape_of(server: Server, route: str, name: str, members: dict[str, Any]) -> dict[str, Any]:
    return shape_without_pace(answer_to(server, route, name, members))


@pytest.mark.usefixtures("touched")
@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("members", MEMBERS, ids=lambda members: ",".join(members) or "plain")
def test_touched_answers_have_the_shape_of_untouched_ones(
    demo: Server, route: str, members: dict[str, Any]
) -> None:
    untouched = shape_of(demo, route, UNTOUCHED, members)
    for name in (DECLINED, RESTRICTED):
        assert shape_of(demo, route, name, members) == untouched


@pytest.mark.usefixtures("touched")
@pytest.mark.parametrize("members", [{}, {"logprobs": 2}], ids=["plain", "logprobs"])
def test_where_an_engine_looks_out_for_stop_strings_each_chat_ends_with_text(
    demo: Server, members: dict[str, Any]
) -> None:
    # Whatever the pace, as some of the text is held back up to the end.
    members = {**STREAM, **members, "stop": ["zzz"]}
    for name in (UNTOUCHED, DECLINED, RESTRICTED):
        lines = answer_to(demo, CHAT, name, members).text.splitlines()
        chunks = [line.removeprefix("data: ") for line in lines if "choices" in line]
        (last,) = orjson.loads(chunks[-1])["choices"]
        assert last["finish_reason"] == "stop"
        assert last["delta"]["content"]


@pytest.mark.usefixtures("touched")
@pytest.mark.parametrize("route", [RESPONSES, MESSAGES])
@pytest.mark.parametrize("members", [{}, STREAM])
def test_so_have_translated_ones(demo: Server, route: str, members: dict[str, Any]) -> None:
    untouched = shape_of(demo, route, UNTOUCHED, members)
    for name in (DECLINED, RESTRICTED):
        assert shape_of(demo, route, name, members) == untouched
