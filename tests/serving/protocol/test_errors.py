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
    assert errors.from_engine(400, body).body["error"]["code"] == "context_length_exceeded"


def test_a_status_that_is_no_error_counts_as_one() -> None:
    assert errors.from_engine(302, b"").status == 500
