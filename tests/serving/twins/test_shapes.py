"""What of a stream is its pace, which no two answers share, and what is its shape."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from tests.serving.twins.shapes import shape, shape_without_pace

ROLE: dict[str, Any] = {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
WORD: dict[str, Any] = {"delta": {"content": " harbour"}, "finish_reason": None}
END: dict[str, Any] = {"delta": {}, "finish_reason": "stop"}


def streamed(*choices: dict[str, Any]) -> httpx.Response:
    chunks = [orjson.dumps({"choices": [{"index": 0, **choice}]}).decode() for choice in choices]
    text = "".join(f"data: {payload}\n\n" for payload in (*chunks, "[DONE]"))
    return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


def test_text_that_comes_together_is_of_one_shape_with_text_that_does_not() -> None:
    whole = streamed(ROLE, WORD, WORD, END)
    for other in (
        streamed(ROLE, WORD, END),
        # The last text came with the end, and all of it.
        streamed(ROLE, WORD, END | {"delta": WORD["delta"]}),
        streamed(ROLE, END | {"delta": WORD["delta"]}),
    ):
        assert shape_without_pace(other) == shape_without_pace(whole)
    assert shape(streamed(ROLE, WORD, END | {"delta": WORD["delta"]})) != shape(whole)


def test_another_kind_of_end_is_another_shape() -> None:
    whole = streamed(ROLE, WORD, END)
    for other in (
        streamed(WORD, END),
        streamed(ROLE, WORD, END | {"delta": {"content": ""}}),
        streamed(ROLE, WORD, END | {"delta": {"content": " sea", "refusal": None}}),
        streamed(ROLE, WORD, END | {"stop_reason": None}),
        streamed(ROLE, WORD, END | {"finish_reason": "length", "delta": WORD["delta"]}),
        streamed(ROLE, WORD),
    ):
        assert shape_without_pace(other) != shape_without_pace(whole)
