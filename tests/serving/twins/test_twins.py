"""Shape, status and errors do not tell whether a conversation is touched.

`python -m tests.serving.twins` compares the twins of 10,000 bodies; here are some hundred, and those that once
told.
"""

from __future__ import annotations

from typing import Any

import pytest

from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from tests.serving.twins.bodies import QUESTION, SCHEMAS
from tests.serving.twins.twins import Twins, fuzz

pytest.importorskip("vllm", reason="the engine is not installed")

ASK: dict[str, dict[str, Any]] = {
    CHAT: {"model": "m", "messages": [{"role": "user", "content": QUESTION}]},
    COMPLETIONS: {"model": "m", "prompt": QUESTION},
    RESPONSES: {"model": "m", "input": QUESTION},
    MESSAGES: {"model": "m", "max_tokens": 64, "messages": [{"role": "user", "content": QUESTION}]},
}
STREAM = {"stream": True}
COUNTED = {"stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}}


async def test_the_twins_of_four_hundred_bodies_have_one_shape() -> None:
    assert await fuzz(400, seed=11) == []


@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
@pytest.mark.parametrize(
    "members",
    [
        *({"structured_outputs": {"json": schema}} for schema in SCHEMAS),
        {"structured_outputs": {"regex": "("}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMAS[2]}}},
        {"min_tokens": 100, "max_tokens": 5},
        {"min_tokens": -1},
        {"ignore_eos": True, "max_tokens": 3},
        COUNTED,
        {**COUNTED, "n": 2},
        {**STREAM, "logprobs": 2},
        {**STREAM, "logprobs": 1, "max_tokens": 1},
        {**STREAM, "max_tokens": 1},
        {**STREAM, "max_tokens": 3},
        {**STREAM, "stream_options": {"include_usage": True}},
        {"logprobs": 1, "n": 2},
        {"max_tokens": "64"},
    ],
)
async def test_what_once_told_does_not(route: str, members: dict[str, Any]) -> None:
    if route == CHAT and "logprobs" in members:
        members = {**members, "logprobs": True, "top_logprobs": members["logprobs"]}
    assert await Twins().differences(route, {**ASK[route], **members}) == []


@pytest.mark.parametrize("route", [RESPONSES, MESSAGES])
@pytest.mark.parametrize("stream", [True, False])
async def test_translated_answers_have_one_shape(route: str, stream: bool) -> None:
    assert await Twins().differences(route, {**ASK[route], "stream": stream}) == []
