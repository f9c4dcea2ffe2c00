from __future__ import annotations

import orjson
import pytest

from guard.errors import EngineUnavailable, RequestRefused
from serving.protocol import errors


def test_every_error_object_has_all_four_members() -> None:
    status, body = errors.from_lethe_error(RequestRefused("no", field="echo"))
    assert status == 400
    assert body == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "echo", "code": "field_not_allowed"}
    }


def test_an_unready_server_is_a_server_error() -> None:
    status, body = errors.from_lethe_error(EngineUnavailable("not yet"))
    assert (status, body["error"]["type"]) == (503, "server_error")


@pytest.mark.parametrize(
    ("param", "shown"),
    [("body.temperature", "temperature"), ("n", "n"), ("body.logit_bias.Ada Quill", "logit_bias"), (None, None)],
)
def test_only_the_requests_own_member_is_named(param: str | None, shown: str | None) -> None:
    body = orjson.dumps({"error": {"message": "Ada Quill", "param": param}})
    assert errors.from_engine(400, body).body["error"]["param"] == shown


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "text"}', b"null"])
def test_a_body_that_is_no_error_object_becomes_one(body: bytes) -> None:
    assert errors.from_engine(502, body).body["error"]["code"] == "engine_error"


def test_a_prompt_beyond_the_context_has_a_code_of_its_own() -> None:
    body = orjson.dumps({"error": {"message": "This model's maximum context length is 8 tokens."}})
    error = errors.from_engine(400, body).body["error"]
    assert error["code"] == "context_length_exceeded"
    assert "maximum context length" in error["message"]


def test_the_numbers_of_tokens_are_told_and_nothing_else_of_the_engines_words() -> None:
    told = "This model's maximum context length is 8 tokens. However, it contains at least 9 input tokens, Ada"
    error = errors.from_engine(400, orjson.dumps({"error": {"message": told}})).body["error"]
    assert error["message"].startswith(
        "This model's maximum context length is 8 tokens. However, your prompt contains 9"
    )
    assert "Ada" not in error["message"]
    assert errors.context_lengths(orjson.dumps({"error": {"message": error["message"]}})) == (8, 9)


def test_too_many_output_tokens_are_another_error_than_a_long_prompt() -> None:
    told = "max_tokens=9000 cannot be greater than max_model_len=8. Please request fewer output tokens."
    error = errors.from_engine(400, orjson.dumps({"error": {"message": told, "param": "max_tokens"}})).body[
        "error"
    ]
    assert (error["code"], error["param"]) == ("invalid_value", "max_tokens")
    assert "output tokens" in error["message"]


def test_a_status_that_is_no_error_counts_as_one() -> None:
    assert errors.from_engine(302, b"").status == 500
