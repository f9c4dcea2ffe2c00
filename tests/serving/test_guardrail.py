from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agents.audit import Audit, PolicyAudit
from serving.guardrail import BLOCKED_REASON, ROUTE, guardrail_app

BLOCKED = {"action": "BLOCKED", "blocked_reason": BLOCKED_REASON}
PASSED = {"action": "NONE"}
NAME = "Brisa Okonkwo-Lund"
KEY = "k1"


async def ask(audit: Audit, body: Any, key: bytes = KEY.encode()) -> httpx.Response:
    transport = httpx.ASGITransport(guardrail_app(lambda: audit, SecretStr(KEY)))
    async with httpx.AsyncClient(transport=transport, base_url="http://guardrail") as client:
        return await client.post(ROUTE, json=body, headers={"x-api-key": key} if key else {})


@pytest.mark.parametrize("input_type", ["request", "response"])
async def test_texts_that_leak_nothing_pass_unchanged(audit: PolicyAudit, input_type: str) -> None:
    reply = await ask(audit, {"input_type": input_type, "texts": ["The moon pulls the sea.", ""]})
    assert (reply.status_code, reply.json()) == (200, PASSED)


@pytest.mark.parametrize(
    "carried",
    [
        {"texts": ["fine", f"it was {NAME}"]},
        {"texts": ["BrisaOkonkwoLund"]},
        {"tool_calls": [{"id": "1", "function": {"name": "find", "arguments": f'{{"who": "{NAME}"}}'}}]},
        {"tools": [{"type": "function", "function": {"name": "x", "parameters": {"enum": [NAME]}}}]},
        {"structured_messages": [{"role": "user", "content": [{"type": "text", "text": NAME}]}]},
        {"tool_calls": [{NAME: 1}]},
    ],
    ids=["a text", "spelt otherwise", "tool arguments", "a tool", "a message", "a member's name"],
)
async def test_whatever_carries_a_leak_is_blocked_for_the_same_reason(
    audit: PolicyAudit, carried: dict[str, Any]
) -> None:
    reply = await ask(audit, {"input_type": "response", **carried})
    assert (reply.status_code, reply.json()) == (200, BLOCKED)


async def test_a_picture_in_a_response_is_blocked_and_in_a_request_left_to_the_response(
    audit: PolicyAudit,
) -> None:
    assert (await ask(audit, {"input_type": "response", "images": ["x"]})).json() == BLOCKED
    assert (await ask(audit, {"input_type": "request", "images": ["x"]})).json() == PASSED


@pytest.mark.parametrize("body", [{}, [], None, {"input_type": "other"}, {"input_type": "response", "texts": [7]}])
async def test_what_is_not_understood_is_blocked_and_not_repeated(audit: PolicyAudit, body: Any) -> None:
    reply = await ask(audit, body)
    assert (reply.status_code, reply.json()) == (200, BLOCKED)


async def test_members_without_text_are_not_read(audit: PolicyAudit) -> None:
    body = {
        "input_type": "request",
        "texts": ["Hello"],
        "request_data": {"user_api_key_end_user_id": NAME},
        "litellm_call_id": "1",
        "additional_provider_specific_params": {},
        "member_of_a_later_version": NAME,
    }
    assert (await ask(audit, body)).json() == PASSED


async def test_a_fault_of_the_audit_blocks_and_logs_no_text(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def find_leaks(self, text: str, subjects: Any = ()) -> Any:
            raise RuntimeError(text)

        def find_nearest(self, texts: Any, limit: int) -> Any:
            raise NotImplementedError

    with caplog.at_level(logging.DEBUG):
        reply = await ask(Broken(), {"input_type": "response", "texts": [NAME]})
    assert reply.json() == BLOCKED
    assert "RuntimeError" in caplog.text
    assert NAME not in caplog.text


@pytest.mark.parametrize(("sent", "status"), [("k1", 200), ("k2", 401), ("", 401), ("kü", 401)])
async def test_its_key_is_asked_for(audit: PolicyAudit, sent: str, status: int) -> None:
    reply = await ask(audit, {"input_type": "request", "texts": [NAME]}, sent.encode())
    assert reply.status_code == status
    assert NAME not in reply.text
