from __future__ import annotations

from typing import Any

import orjson

from serving.protocol.openai_shape import conform_answer, conform_chunk


def answer(**choice: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "prompt_tokens_details": None}
    return {"id": "x", "choices": [choice], "usage": usage, "kv_transfer_params": None}


def conformed(payload: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = orjson.loads(conform_answer(orjson.dumps(payload)))
    return out


def test_nulls_that_openai_does_not_document_are_absent() -> None:
    out = conformed(answer(index=0, text="a", finish_reason="stop", logprobs=None, stop_reason=None))
    assert out["usage"] == {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    assert out["choices"] == [{"index": 0, "text": "a", "finish_reason": "stop", "logprobs": None}]
    assert "kv_transfer_params" not in out


def test_a_message_has_all_required_members_and_no_empty_tool_calls() -> None:
    message = {"role": "assistant", "content": "a", "audio": None, "function_call": None, "tool_calls": []}
    out = conformed(answer(index=0, message=message, finish_reason="stop", logprobs=None))
    assert out["choices"][0]["message"] == {"role": "assistant", "content": "a", "refusal": None}


def test_a_message_with_tool_calls_keeps_its_null_content() -> None:
    calls = [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    out = conformed(answer(index=0, message={"content": None, "tool_calls": calls}, finish_reason="tool_calls"))
    assert out["choices"][0]["message"] == {"content": None, "refusal": None, "tool_calls": calls}


def test_chat_log_probabilities_have_both_members() -> None:
    out = conformed(answer(index=0, message={"content": "a"}, finish_reason="stop", logprobs={"content": []}))
    assert out["choices"][0]["logprobs"] == {"content": [], "refusal": None}


def test_log_probabilities_of_a_completion_stay_as_they_are() -> None:
    given = {"tokens": ["a"], "token_logprobs": [-1.0], "top_logprobs": [{"a": -1.0}], "text_offset": [0]}
    out = conformed(answer(index=0, text="a", finish_reason="stop", logprobs=given))
    assert out["choices"][0]["logprobs"] == given


def test_a_finish_reason_of_vllms_own_is_a_stop() -> None:
    out = conformed(answer(index=0, text="a", finish_reason="repetition", logprobs=None))
    assert out["choices"][0]["finish_reason"] == "stop"


def test_a_chunk_in_the_middle_keeps_its_null_finish_reason() -> None:
    chunk = {
        "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None, "logprobs": {"content": []}}]
    }
    out = orjson.loads(conform_chunk(orjson.dumps(chunk)))
    assert out["choices"][0]["finish_reason"] is None
    assert out["choices"][0]["logprobs"] == {"content": [], "refusal": None}
