from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agents.audit import PolicyAudit
from serving.guardrail import ROUTE, Guardrail
from serving.http.asgi import Receive, Scope, Send, respond
from tests.agents.conftest import BRISA, AuditOf

LEAK = {"input_type": "response", "texts": ["It was Brisa Okonkwo-Lund."]}


async def admin(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 418, {})


async def ask(audit: PolicyAudit, path: str, body: Any, key: str = "k") -> httpx.Response:
    app: Any = Guardrail(admin, lambda: audit, SecretStr("k"), 1000)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as client:
        return await client.post(path, json=body, headers={"x-api-key": key})


@pytest.fixture(scope="module")
def audit(audit_of: AuditOf) -> PolicyAudit:
    return audit_of(BRISA)


async def test_its_route_answers_to_its_key(audit: PolicyAudit) -> None:
    assert (await ask(audit, ROUTE, LEAK)).json()["action"] == "BLOCKED"
    assert (await ask(audit, ROUTE, LEAK, key="other")).status_code == 401


async def test_every_other_route_is_the_admin_planes(audit: PolicyAudit) -> None:
    assert (await ask(audit, "/admin/v1/targets", {})).status_code == 418


async def test_a_body_beyond_the_limit_is_refused_unread(audit: PolicyAudit) -> None:
    assert (await ask(audit, ROUTE, {"texts": ["x" * 2000]})).status_code == 413
