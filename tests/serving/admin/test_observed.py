"""What the plane tells: audit trail, checks, policy, verdicts, metrics and probes."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from guard.policy.plan import PlanKind
from guard.registry.approval.rule import Approval
from guard.signatures import canonical
from guard.targets.target import Draft, Mode
from guard.text.conversation import Message
from serving.audit.checkpoints import read_checkpoint
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import parse
from serving.telemetry.verdict_log import Verdict
from tests.serving.admin.conftest import ADA, KEY, TARGETS, TEXTS, VERDICTS, Service, refused

pytestmark = pytest.mark.anyio


async def test_the_audit_trail_tells_what_was_done_without_any_text(client: httpx.AsyncClient) -> None:
    path = (await client.post(TARGETS, json=ADA)).headers["location"]
    await client.delete(path)
    first = (await client.get("/admin/v1/audit", params={"limit": 1})).json()
    rest = (await client.get("/admin/v1/audit", params={"cursor": first["next_cursor"]})).json()
    assert [event["action"] for event in first["events"] + rest["events"]] == ["added", "revoked"]
    assert rest["next_cursor"] is None
    assert first["first_broken"] is rest["first_broken"] is None
    assert not any(text in json.dumps([first, rest]) for text in TEXTS)


async def test_a_page_of_an_altered_audit_trail_says_where(
    client: httpx.AsyncClient, service: Service, tmp_path: Path
) -> None:
    service.registry.add_many([Draft(name=f"Person {i}") for i in range(5)])
    other = sqlite3.connect(tmp_path / "registry.db")
    other.execute("DROP TRIGGER events_stay_on_update")
    other.execute("UPDATE events SET target_id = (SELECT target_id FROM events WHERE seq = 1) WHERE seq = 4")
    other.commit()
    other.close()
    pages = [(await client.get("/admin/v1/audit", params={"limit": 2, "cursor": c})).json() for c in (0, 2, 4)]
    assert [page["first_broken"] for page in pages] == [None, 4, None]


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"text": "Who is she?"}, [Message("user", "Who is she?")]),
        (
            {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Who?"}]},
            [Message("system", "Be kind."), Message("user", "Who?")],
        ),
    ],
)
async def test_a_check_says_what_would_be_done(
    client: httpx.AsyncClient, service: Service, body: dict[str, Any], asked: list[Message]
) -> None:
    response = await client.post("/admin/v1/check", json=body)
    assert response.json() == {
        "matches": [
            {
                "target_id": "ft_1",
                "score": 0.9,
                "signals": {
                    "name": 1.0,
                    "semantic": 0.4,
                    "partial": 0.0,
                    "contrast": 0.0,
                    "classifier": 0.0,
                    "phrases": 0.0,
                },
                "form": "fact",
                "mode": "shadow",
                "supplied": 0,
            }
        ],
        "namesakes": [],
        "plan": "restrict",
        "policy_version": 7,
    }
    assert service.asked == asked


@pytest.mark.parametrize("text", [r"\u0057\u0068\u006f is \u0041da?", r"\\u0057ho is Ad\\u0061?"])
async def test_a_check_reads_the_escapes_of_json_as_the_data_plane_does(
    client: httpx.AsyncClient, service: Service, text: str
) -> None:
    for body in ({"text": text}, {"messages": [{"role": "user", "content": text}]}):
        await client.post("/admin/v1/check", json=body)
        chat = {"model": "m", "messages": [{"role": "user", "content": text}]}
        assert tuple(service.asked) == parse(CHAT, orjson.dumps(chat)).conversation(())
        assert "Who is Ada?" in service.asked[0].text


@pytest.mark.parametrize("asked", [{"text": "Who?"}, {"messages": [{"role": "user", "content": "Who?"}]}])
async def test_a_check_is_under_a_policy_set_and_on_a_side_of_canary_shares_if_they_are_named(
    client: httpx.AsyncClient, service: Service, asked: dict[str, Any]
) -> None:
    for canary, is_in_share in ((None, None), ("enforced", True), ("shadow", False)):
        response = await client.post("/admin/v1/check", json=asked | {"tags": ["eu"], "canary": canary})
        assert response.json()["plan"] == "restrict"
        assert (service.tags, service.is_in_share) == ({"eu"}, is_in_share)
    response = await client.post("/admin/v1/check", json=asked | {"canary": "both"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_a_check_before_there_is_a_policy_says_so(client: httpx.AsyncClient, service: Service) -> None:
    service.reason = "the policy is being compiled"
    refused(await client.post("/admin/v1/check", json={"text": "Who?"}), 503, "policy_unavailable")


async def test_the_policy_tells_stored_from_enforced(client: httpx.AsyncClient) -> None:
    await client.post(TARGETS, json=ADA)
    assert (await client.get("/admin/v1/policy")).json() == {
        "version": 1,
        "targets": {"active": 1, "revoked": 0, "expired": 0, "proposed": 0, "rejected": 0},
        "enforced_version": 3,
        "enforced": {"shadow": 1, "enforce": 2},
        "pending": 0,
        "encrypted": False,
    }


async def test_probes_need_no_key(app: FastAPI, service: Service) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as stranger:
        assert (await stranger.get("/livez")).json() == {"status": "ok"}
        assert (await stranger.get("/readyz")).status_code == 200
        service.reason = "the engine is starting"
        assert refused(await stranger.get("/readyz"), 503, "not_ready")["detail"] == "the engine is starting"
        assert (await stranger.get("/openapi.json")).status_code == 200


async def test_verdicts_are_listed_newest_first_in_pages_and_by_mode(
    client: httpx.AsyncClient, service: Service
) -> None:
    shadow = Verdict(0.0, "r", "ft_1", 3, 0.9, {"semantic": 0.9}, PlanKind.RESTRICT, Mode.SHADOW)
    now = time.time()
    service.verdicts.add([replace(shadow, at=now, request_id=f"r{number}") for number in range(3)])
    service.verdicts.add([replace(shadow, at=now, mode=Mode.ENFORCE, request_id="e")])
    first = (await client.get(VERDICTS, params={"limit": 2})).json()
    rest = (await client.get(VERDICTS, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [v["request_id"] for v in first["verdicts"] + rest["verdicts"]] == ["e", "r2", "r1", "r0"]
    assert rest["next_cursor"] is None
    modes = (await client.get(VERDICTS, params={"mode": "shadow", "target_id": "ft_1"})).json()["verdicts"]
    assert len(modes) == 3
    assert modes[0].keys() == {
        "seq", "at", "request_id", "target_id", "revision", "score", "signals", "plan", "mode", "touched_by",
        "server", "canary",
    }  # fmt: skip
    refused(await client.get(VERDICTS, params={"cursor": "x"}), 422, "invalid_request", "cursor")


async def test_metrics_are_for_who_bears_the_key_and_tell_the_state(app: FastAPI, service: Service) -> None:
    service.registry.add(Draft(name="Ada Quillfeather"))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as anyone:
        assert (await anyone.get("/metrics")).status_code == 401
        answer = await anyone.get("/metrics", headers={"authorization": f"Bearer {KEY}"})
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'lethe_policy_version{stage="stored"} 1.0' in lines
    assert 'lethe_policy_version{stage="enforced"} 3.0' in lines
    assert 'lethe_targets{mode="enforce"} 2.0' in lines
    assert "lethe_engine_up 1.0" in lines
    assert not any(text in answer.text for text in TEXTS)


async def test_metrics_are_openmetrics_for_who_asks_for_it(client: httpx.AsyncClient) -> None:
    asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
    answer = await client.get("/metrics", headers={"accept": asked})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


async def test_checkpoints_are_given_as_they_were_signed(client: httpx.AsyncClient, service: Service) -> None:
    path = "/admin/v1/audit/checkpoints"
    assert (await client.get(path)).json() == {"checkpoints": []}
    service.registry.add(Draft(name="Ada Quillfeather"))
    made = service.audit.keep()
    (given,) = (await client.get(path)).json()["checkpoints"]
    assert read_checkpoint(canonical(given), service.key.public) == made
    service.registry.approvals.rule.write(Approval.FOUR_EYES)
    made = service.audit.keep()
    given = (await client.get(path)).json()["checkpoints"][1]
    assert given["checkpoint"]["key_seq"] == 1
    assert read_checkpoint(canonical(given), service.key.public) == made
