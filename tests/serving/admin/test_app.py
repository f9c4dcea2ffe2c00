from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import SecretStr, ValidationError

from guard.detection.detector import Match, Signals
from guard.errors import PolicyUnavailable
from guard.policy.plan import Plan, PlanKind
from guard.registry.keys.keyring import Keyring
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from guard.signatures import canonical
from guard.signing import SigningKey
from guard.targets.target import Draft, Mode
from guard.text.conversation import Message
from guard.text.normalise import fold
from serving.access.delegates import Delegates
from serving.access.oidc import TokenVerifier
from serving.admin.app import create_admin
from serving.admin.patterns import LETTERS, TWO_LETTERS
from serving.admin.requests import TargetIn
from serving.admin.service import AdminService, Enforced
from serving.assistants.service import AssistantService
from serving.audit.checkpoints import AuditKeeper, read_checkpoint
from serving.elicitation.service import ElicitationService
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import parse
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import Verdict, VerdictLog

pytestmark = pytest.mark.anyio

KEY = "test-key-" + "k" * 32
TARGETS = "/admin/v1/targets"
VERDICTS = "/admin/v1/verdicts"
ADA = {
    "name": "Ada Quillfeather",
    "aliases": ["A. Q."],
    "facts": [{"question": "What did she write?", "answer": 'She wrote "The Glass Orchard" in 1931.'}],
    "passages": ["The orchard was of glass that year and nobody knew why."],
    "phrases": ["Mothwick"],
    "exceptions": ["Ada Lark"],
    "external_ref": "T-1",
}
TEXTS = ("Quillfeather", "A. Q.", "Glass Orchard", "1931", "nobody knew", "Mothwick", "Ada Lark")


class Service:
    """Stands in for AdminService, its applier and its planner; applies every change unless told not to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.applier = self.planner = self
        self.opened: Registry | None = None
        self.changes = 0
        self.applies = True
        self.reason = ""
        self.common: frozenset[str] = frozenset()
        self.asked: list[Message] = []
        self.assistants: AssistantService | None = None
        self.elicitations: ElicitationService | None = None
        self.lease = self.workers = self
        self.worker_version = 2**40
        self.replicas: list[Replica] = []
        self.metrics = Metrics()
        self.key = SigningKey(Ed25519PrivateKey.generate())
        self.verdicts = VerdictLog(path.with_name("verdicts.db"), self.metrics)

    tokens: TokenVerifier | None = None
    delegates: Delegates | None = None

    @cached_property
    def keys(self) -> Keyring:
        return Keyring(self.registry.keys)

    @property
    def registry(self) -> Registry:
        self.opened = self.opened or Registry(self._path)
        return self.opened

    @property
    def audit(self) -> AuditKeeper:
        return AuditKeeper(self.registry, self.key, self._path.with_name("checkpoints.jsonl"), self.metrics, 3600)

    def notify(self) -> None:
        self.changes += 1

    async def wait(self, version: int, timeout: float, targets: Collection[str]) -> bool:
        assert targets
        assert version == self.registry.version()
        return self.applies

    async def behind(self, version: int, timeout: float) -> list[Replica]:
        return [one for one in self.replicas if one.version < version]

    async def acknowledged(self, version: int, timeout: float) -> bool:
        return self.worker_version >= version

    def list(self) -> list[Replica]:
        return self.replicas

    async def plan(self, conversation: Sequence[Message]) -> PlannedRequest:
        if self.reason:
            raise PolicyUnavailable("the policy is being compiled")
        self.asked = list(conversation)
        match = Match("ft_1", 0.9, Signals(name=1.0, semantic=0.4), Mode.SHADOW, "fact")
        return PlannedRequest(Plan(PlanKind.RESTRICT, (), (match,), 7), ())

    def enforced(self) -> Enforced:
        return Enforced(3, {Mode.SHADOW: 1, Mode.ENFORCE: 2})

    async def observe_state(self) -> None:
        await AdminService.observe_state(self)  # type: ignore[arg-type]

    def context(self) -> frozenset[str]:
        return self.common

    def unready(self) -> str:
        return self.reason


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "registry.db")
    yield service
    if service.opened is not None:
        service.opened.close()


@pytest.fixture
def app(service: Service) -> FastAPI:
    return create_admin(service, SecretStr(KEY), max_body_bytes=100_000)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
        yield client


def refused(response: httpx.Response, status: int, code: str, *fields: str) -> dict[str, Any]:
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"urn:lethe:error:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert [error["field"] for error in problem.get("errors", [])] == list(fields)
    return problem


async def test_a_target_is_stored_and_its_phrases_come_back_for_review(
    client: httpx.AsyncClient, service: Service
) -> None:
    response = await client.post(TARGETS, params={"reveal": "true"}, json=ADA)
    stored = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{TARGETS}/{stored['id']}"
    assert response.headers["etag"] == '"1"'
    assert {name: stored[name] for name in ADA} == ADA
    assert {"Ada Quillfeather", "A. Q.", "Mothwick", "The Glass Orchard"} <= set(stored["forbidden"])
    assert (stored["state"], stored["revision"]) == ("active", 1)
    assert service.registry.get(stored["id"]).draft.name == "Ada Quillfeather"
    assert service.changes == 1


async def test_texts_are_masked_unless_asked_for(client: httpx.AsyncClient) -> None:
    created = await client.post(TARGETS, json=ADA)
    path = created.headers["location"]
    etag = {"if-match": created.headers["etag"]}
    for response in (
        created,
        await client.get(path),
        await client.get(TARGETS),
        await client.patch(path, json={"basis": "contract"}, headers=etag),
        await client.post(TARGETS, params={"dry_run": "true"}, json={**ADA, "kind": "work"}),
    ):
        assert response.is_success
        assert not any(text in response.text for text in TEXTS)
        assert "••• (16 characters)" in response.json().get("name", "") or response.url.path == TARGETS
    for shown_at in (path, TARGETS):
        shown = await client.get(shown_at, params={"reveal": "true"})
        assert all(json.dumps(text)[1:-1] in shown.text for text in TEXTS)


async def test_a_dry_run_shows_what_would_be_stored_and_stores_nothing(
    client: httpx.AsyncClient, service: Service
) -> None:
    response = await client.post(TARGETS, params={"dry_run": "true", "reveal": "true"}, json=ADA)
    assert response.status_code == 200
    assert "The Glass Orchard" in response.json()["forbidden"]
    assert "id" not in response.json()
    assert (service.registry.version(), service.changes) == (0, 0)


async def test_a_dry_run_shows_the_variants_by_kind_masked_unless_revealed(client: httpx.AsyncClient) -> None:
    target = {"name": "Joan Miller", "facts": [{"answer": "Born on 4 March 1987."}]}
    params = {"dry_run": "true"}
    shown = (await client.post(TARGETS, params=params | {"reveal": "true"}, json=target)).json()
    assert "Miller, Joan" in shown["forbidden_variants"]["order"]
    assert "040387" in shown["forbidden_variants"]["date"]
    masked = await client.post(TARGETS, params=params, json=target)
    assert "Miller" not in masked.text
    none = (await client.post(TARGETS, params=params, json=target | {"variants": "none"})).json()
    assert (none["variants"], none["forbidden_variants"]) == ("none", {})


async def test_variants_are_changed_by_a_patch_and_erased_at_the_end(
    client: httpx.AsyncClient, service: Service
) -> None:
    path = (await client.post(TARGETS, json={"name": "Joan Miller"})).headers["location"]
    (stored,) = service.registry.active()
    assert "Miller, Joan" in stored.variants
    await client.patch(path, json={"variants": "wide"}, headers={"if-match": "*"})
    assert "Ms Miller" in service.registry.get(stored.id).variants
    await client.delete(path)
    assert service.registry.get(stored.id).variants == ()


async def test_a_dry_run_tells_what_is_not_forbidden_alone(client: httpx.AsyncClient, service: Service) -> None:
    service.common = frozenset({"3may1961"})
    facts = [{"answer": "She was born on 3 May 1961."}]
    why = "date with a day; in the facts of many targets, so not forbidden alone"
    for scope, expected in (("always", why), ("contextual", "date with a day")):
        draft = {"name": "Ilsabet Quorne", "facts": facts, "scope": scope}
        shown = (await client.post(TARGETS, params={"dry_run": "true", "reveal": "true"}, json=draft)).json()
        assert {reason["phrase"]: reason["why"] for reason in shown["reasons"]}["3 May 1961"] == expected


async def test_a_dry_run_tells_why_each_phrase_is_forbidden(client: httpx.AsyncClient) -> None:
    facts = [{"answer": "She was born in Sallowmere on 3 May 1961."}]
    draft = {"name": "Ilsabet Quorne", "aliases": ["Rose"], "facts": facts}
    shown = (await client.post(TARGETS, params={"dry_run": "true", "reveal": "true"}, json=draft)).json()
    assert [reason["phrase"] for reason in shown["reasons"]] == shown["forbidden"]
    kinds = {reason["phrase"]: (reason["kind"], reason["why"]) for reason in shown["reasons"]}
    assert kinds["Ilsabet Quorne"] == ("name", "the target's name")
    assert kinds["Sallowmere"] == ("place", "rare name after a preposition of place")
    assert kinds["3 May 1961"] == ("date", "date with a day")
    assert [(warning["phrase"], warning["examples"][:1], warning["why"]) for warning in shown["warnings"]] == [
        ("Rose", ["rose"], "also forbids common words"),
        ("Rose", [], "also a given name"),
    ]
    masked = (await client.post(TARGETS, params={"dry_run": "true"}, json=draft)).text
    assert not any(text in masked for text in ("Quorne", "Sallowmere", "Rose", "rose"))


async def test_waiting_answers_once_the_change_is_enforced(client: httpx.AsyncClient, service: Service) -> None:
    wait = {"wait": "applied", "timeout": "5"}
    created = await client.post(TARGETS, params=wait, json=ADA)
    assert created.status_code == 201
    service.applies = False
    path = created.headers["location"]
    problem = refused(
        await client.patch(path, params=wait, json={"basis": "court"}, headers={"if-match": "*"}),
        504,
        "not_applied_in_time",
    )
    assert problem["instance"] == path
    assert "stored" in problem["detail"]
    assert (await client.get(path)).json()["basis"] == "court"
    other = refused(
        await client.post(TARGETS, params=wait, json={"name": "Bela Moth"}), 504, "not_applied_in_time"
    )
    assert (await client.get(other["instance"])).status_code == 200


async def test_a_batch_is_stored_whole_or_not_at_all(client: httpx.AsyncClient, service: Service) -> None:
    people = [{"name": f"Person {i}"} for i in range(20)]
    response = await client.post(f"{TARGETS}:batch", json={"targets": people})
    assert response.status_code == 201
    assert response.json()["ids"] == [target.id for target in service.registry.active()]
    assert service.registry.version() == 1
    again = await client.post(f"{TARGETS}:batch", json={"targets": [{"name": "Newcomer"}, people[3]]})
    refused(again, 409, "duplicate_target", "targets[1].name")
    assert service.registry.version() == 1


async def test_a_patch_changes_what_it_names_and_nothing_else(client: httpx.AsyncClient) -> None:
    created = await client.post(TARGETS, params={"reveal": "true"}, json=ADA)
    path = created.headers["location"]
    change = {"phrases": ["Lanternfish"], "mode": "shadow", "expires_at": "2090-01-01T00:00:00Z"}
    response = await client.patch(path, params={"reveal": "true"}, json=change, headers={"if-match": '"1"'})
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')
    before, after = created.json(), response.json()
    assert {name for name in before if before[name] != after[name]} == {
        *change,
        "forbidden",
        "revision",
        "updated_at",
    }
    assert "Lanternfish" in after["forbidden"]
    assert "Mothwick" not in after["forbidden"]
    cleared = await client.patch(path, json={"expires_at": None}, headers={"if-match": '"2"'})
    assert cleared.json()["expires_at"] is None


async def test_a_patch_says_which_revision_it_means(client: httpx.AsyncClient, service: Service) -> None:
    path = (await client.post(TARGETS, json=ADA)).headers["location"]
    refused(await client.patch(path, json={}), 428, "precondition_required", "If-Match")
    for stale in ('"2"', '"0"', "1", 'W/"1"', "nonsense", '"2", "3"', '"2", W/"1"'):
        response = await client.patch(path, json={}, headers={"if-match": stale})
        refused(response, 412, "stale_revision", "If-Match")
    refused(await client.delete(path, headers={"if-match": '"7"'}), 412, "stale_revision", "If-Match")
    assert service.registry.version() == 1
    assert (await client.delete(path, headers={"if-match": '"0", "1"'})).status_code == 204


async def test_of_many_patches_to_one_revision_one_wins(client: httpx.AsyncClient) -> None:
    path = (await client.post(TARGETS, json=ADA)).headers["location"]
    patches = (client.patch(path, json={"basis": str(i)}, headers={"if-match": '"1"'}) for i in range(8))
    statuses = sorted(response.status_code for response in await asyncio.gather(*patches))
    assert statuses == [200] + [412] * 7


async def test_a_revoked_target_is_gone_but_not_from_the_record(client: httpx.AsyncClient) -> None:
    path = (await client.post(TARGETS, json=ADA)).headers["location"]
    response = await client.delete(path, params={"wait": "applied"})
    assert (response.status_code, response.content) == (204, b"")
    for again in (
        await client.get(path),
        await client.delete(path),
        await client.patch(path, json={}, headers={"if-match": '"2"'}),
    ):
        refused(again, 404, "unknown_target")
    (left,) = (await client.get(TARGETS, params={"state": "revoked", "reveal": "true"})).json()["targets"]
    assert (left["name"], left["forbidden"], left["external_ref"]) == ("", [], "T-1")
    assert (await client.get(TARGETS, params={"state": "active"})).json()["targets"] == []


async def test_lists_go_on_where_the_cursor_says(client: httpx.AsyncClient) -> None:
    people = [{"name": f"Person {i}"} for i in range(5)]
    ids = (await client.post(f"{TARGETS}:batch", json={"targets": people})).json()["ids"]
    first = (await client.get(TARGETS, params={"limit": 3})).json()
    rest = (await client.get(TARGETS, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [target["id"] for target in first["targets"] + rest["targets"]] == ids
    assert rest["next_cursor"] is None
    refused(await client.get(TARGETS, params={"cursor": "ft_none"}), 404, "unknown_target")


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


@pytest.mark.parametrize("fact", ["Ada sails.", ["Ada"], 3, None])
async def test_a_fact_that_is_no_object_is_told_in_plain_words(client: httpx.AsyncClient, fact: Any) -> None:
    answer = await client.post(TARGETS, json={"name": "Ada", "facts": [{"answer": "Ada sails."}, fact]})
    refused(answer, 422, "invalid_request", "facts[1]")
    (fault,) = answer.json()["errors"]
    assert fault["detail"] == 'a fact is an object, as in {"answer": "a sentence"}'


async def test_a_check_before_there_is_a_policy_says_so(client: httpx.AsyncClient, service: Service) -> None:
    service.reason = "the policy is being compiled"
    refused(await client.post("/admin/v1/check", json={"text": "Who?"}), 503, "policy_unavailable")


async def test_the_policy_tells_stored_from_enforced(client: httpx.AsyncClient) -> None:
    await client.post(TARGETS, json=ADA)
    assert (await client.get("/admin/v1/policy")).json() == {
        "version": 1,
        "targets": {"active": 1, "revoked": 0, "expired": 0},
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


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([], ["body"]),
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": " … "}, ["name"]),
        ({"name": 5, "aliases": "Bo"}, ["name", "aliases"]),
        ({"name": "Ada", "kind": "ghost"}, ["kind"]),
        ({"name": "Ada", "phrases": ["ok", "x" * 4097]}, ["phrases[1]"]),
        ({"name": "Ada", "phrases": ["ok", "?"]}, ["phrases[1]"]),
        ({"name": "Ada", "facts": [{"answr": "?"}]}, ["facts[0].answer", "facts[0].answr"]),
        ({"name": "Ada", "methods": ["guard", "erase"]}, ["methods[1]"]),
        ({"name": "Ada", "methods": []}, ["methods"]),
        ({"name": "Ada", "surprise": 1}, ["surprise"]),
        ({"name": "Ada", "expires_at": 1893456000}, ["expires_at"]),
        ({"name": "Ada", "expires_at": "2090-01-01"}, ["expires_at"]),
        ({"name": "Ada", "expires_at": "2090-13-01T00:00:00Z"}, ["expires_at"]),
        ({"name": "Ada \ud800"}, ["name"]),
        ({"name": "Ada", "\ud800": 1}, ["body"]),
    ],
)
async def test_a_body_of_another_form_is_refused_and_the_members_at_fault_named(
    client: httpx.AsyncClient, service: Service, body: Any, fields: list[str]
) -> None:
    headers = {"content-type": "application/json"}
    response = await client.post(TARGETS, content=json.dumps(body), headers=headers)
    refused(response, 422, "invalid_request", *fields)
    assert service.registry.version() == 0


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b'{"name": "Ada', "application/json", 400, "malformed_body"),
        (b'{"name": "\xff\xfe"}', "application/json", 400, "malformed_body"),
        (b"[" * 50_000, "application/json", 400, "malformed_body"),
        (b"1" * 5_000, "application/json", 400, "malformed_body"),
        (b"", "application/json", 422, "invalid_request"),
        (b"name=Ada", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"name": "Ada"}' + b" " * 100_000, "application/json", 413, "body_too_large"),
        (b'{"name":"Ada","expires_at":"2020-01-01T00:00:00Z"}', "application/json", 409, "expires_in_past"),
    ],
)
async def test_a_body_that_cannot_be_taken_is_refused_with_a_stable_code(
    client: httpx.AsyncClient, service: Service, content: bytes, kind: str, status: int, code: str
) -> None:
    response = await client.post(TARGETS, content=content, headers={"content-type": kind})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert service.registry.version() == 0


async def test_a_batch_and_a_check_are_held_to_their_form(client: httpx.AsyncClient) -> None:
    batch = await client.post(f"{TARGETS}:batch", json={"targets": [{"name": "Ada"}, {"name": 1}]})
    refused(batch, 422, "invalid_request", "targets[1].name")
    refused(await client.post(f"{TARGETS}:batch", json={"targets": []}), 422, "invalid_request", "targets")
    both = await client.post("/admin/v1/check", json={"text": "a", "messages": []})
    refused(both, 422, "invalid_request", "messages", "text")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{TARGETS}?limit=0", "limit"),
        (f"{TARGETS}?limit=1001", "limit"),
        (f"{TARGETS}?limt=5", "limt"),
        (f"{TARGETS}?state=gone", "state"),
        (f"{TARGETS}/ft_1?limit=5", "limit"),
        ("/admin/v1/policy?x=", "x"),
        (f"/admin/v1/audit?cursor={2**64}", "cursor"),
        ("/admin/v1/audit?cursor=-1", "cursor"),
    ],
)
async def test_a_query_that_is_unknown_or_out_of_range_is_refused(
    client: httpx.AsyncClient, path: str, field: str
) -> None:
    refused(await client.get(path), 422, "invalid_request", field)


@pytest.mark.parametrize("path", [f"{TARGETS}/ft_none", f"{TARGETS}/%00", f"{TARGETS}/%ed%a0%80"])
async def test_an_unknown_id_is_a_404_whatever_it_looks_like(client: httpx.AsyncClient, path: str) -> None:
    refused(await client.get(path), 404, "unknown_target")
    refused(await client.get(f"{path}/more"), 404, "unknown_route")


async def test_a_nul_in_a_text_is_kept_like_any_character(client: httpx.AsyncClient) -> None:
    response = await client.post(TARGETS, params={"reveal": "true"}, json={"name": "Ada\0 Quill"})
    assert response.json()["name"] == "Ada\0 Quill"


async def test_a_duplicate_is_named_by_its_id(client: httpx.AsyncClient) -> None:
    stored = (await client.post(TARGETS, json=ADA)).json()
    problem = refused(
        await client.post(TARGETS, json={"name": "ADA quill-feather"}), 409, "duplicate_target", "name"
    )
    assert stored["id"] in problem["detail"]


async def test_no_problem_repeats_a_text(client: httpx.AsyncClient) -> None:
    for body in (
        {**ADA, "kind": "Mothwick"},
        {**ADA, "phrases": ["Mothwick" * 600]},
        {**ADA, "expires_at": "Mothwick"},
        {**ADA, "mode": ["Mothwick"]},
        {**ADA, "facts": ["Mothwick"]},
        {"text": "Mothwick"},
    ):
        response = await client.post(TARGETS, json=body)
        assert response.status_code == 422
        assert not any(text in response.text for text in TEXTS)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": KEY},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {KEY}x"},
        {"authorization": f"Basic {KEY}"},
        {"authorization": "Bearer \xff\xfe"},
    ],
)
@pytest.mark.parametrize("path", [TARGETS, "/admin/v1/policy", "/admin/v1/nowhere", "/"])
async def test_without_the_key_nothing_is_answered(app: FastAPI, headers: dict[str, str], path: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin") as stranger:
        for method in ("GET", "POST", "TRACE"):
            response = await stranger.request(method, path, headers=raw, content=b"{" * 200_000)
            refused(response, 401, "invalid_admin_key")
            assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_body_without_a_length_is_bounded_too(client: httpx.AsyncClient) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while read < 10_000_000:
            read += 1000
            yield b"x" * 1000

    headers = {"content-type": "application/json"}
    refused(await client.post(TARGETS, content=endless(), headers=headers), 413, "body_too_large")
    assert read <= 200_000


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (TARGETS, "GET, POST"),
        (f"{TARGETS}/ft_1", "DELETE, GET, PATCH"),
        (f"{TARGETS}/ft_1:elicit", "POST"),
        (f"{TARGETS}/ft_1/elicitation", "GET"),
        (f"{TARGETS}/ft_1/elicitation:accept", "POST"),
        (f"{TARGETS}:batch", "POST"),
        ("/livez", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient, path: str, allowed: str) -> None:
    response = await client.put(path, json={})
    refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == allowed


async def test_a_store_that_cannot_be_used_is_a_503_and_the_plane_goes_on(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.registry.close()
    refused(await client.get(TARGETS), 503, "store_unavailable")
    refused(await client.post(TARGETS, json=ADA), 503, "store_unavailable")
    assert (await client.get("/livez")).status_code == 200


async def test_an_unforeseen_error_shows_neither_in_the_answer_nor_in_the_log(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(draft: object) -> None:
        raise RuntimeError("Mothwick")

    monkeypatch.setattr(service.registry, "add", fails)
    with caplog.at_level(logging.DEBUG):
        response = await client.post(TARGETS, json=ADA)
    refused(response, 500, "internal_error")
    assert "RuntimeError" in caplog.text
    assert "Mothwick" not in response.text + caplog.text


async def test_every_acknowledged_target_of_many_at_once_is_stored(
    client: httpx.AsyncClient, service: Service
) -> None:
    posts = (client.post(TARGETS, json={"name": f"Person {i}"}) for i in range(100))
    ids = {response.json()["id"] for response in await asyncio.gather(*posts)}
    assert {target.id for target in service.registry.active()} == ids
    assert len(ids) == service.registry.version() == 100


async def test_the_description_states_what_the_plane_does(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    operations = {
        (method, path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    for (_, path), operation in operations.items():
        assert operation["description"]
        if path not in ("/livez", "/readyz"):
            assert "401" in operation["responses"]
            assert operation.get("security", described["security"]) == [{"admin_key": []}]
        for status, response in operation["responses"].items():
            usual = ["text/plain", "application/openmetrics-text"] if path == "/metrics" else ["application/json"]
            kinds = ["application/problem+json"] if int(status) >= 400 else usual
            assert list(response.get("content", kinds)) == kinds
    assert described["components"]["schemas"]["TargetIn"]["additionalProperties"] is False
    assert "HTTPValidationError" not in described["components"]["schemas"]
    if_match = {p["name"]: p["required"] for p in operations["patch", TARGETS + "/{target_id}"]["parameters"]}
    assert if_match["if-match"] is True


def test_every_letter_the_schema_asks_for_is_one_that_matching_keeps() -> None:
    runs = re.findall(r"(.)-(.)", LETTERS[1:-1])
    letters = {chr(point) for first, last in runs for point in range(ord(first), ord(last) + 1)}
    assert all(map(fold, letters | set(LETTERS[1:-1].replace("-", ""))))
    # The longer its pattern, the longer takes whoever compiles it or draws examples of it.
    assert len(runs) < 140
    assert len(letters) > 80_000


async def test_a_second_target_of_a_name_is_told_the_first_and_what_to_do(client: httpx.AsyncClient) -> None:
    first = (await client.post(TARGETS, json={"name": "Li Wei", "external_ref": "case-1"})).json()["id"]
    second = await client.post(TARGETS, json={"name": "Li Wei", "external_ref": "case-2"})
    refused(second, 409, "duplicate_target", "name")
    assert first in second.json()["detail"]
    assert "PATCH" in second.json()["detail"]
    apart = {"name": "Li Wei of Ost", "aliases": ["Li Wei"], "external_ref": "case-2"}
    assert (await client.post(TARGETS, json=apart)).status_code == 201


async def test_a_compressed_body_is_read_and_another_encoding_named(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    body = gzip.compress(json.dumps({"name": "Ada Quill"}).encode())
    assert (await client.post(TARGETS, content=body, headers=headers)).status_code == 201
    refused(
        await client.post(TARGETS, content=body, headers={**headers, "content-encoding": "br"}),
        415,
        "unsupported_encoding",
    )
    refused(await client.post(TARGETS, content=b"{}", headers=headers), 400, "malformed_body")


async def test_a_byte_order_mark_before_the_body_is_passed_over(client: httpx.AsyncClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"name": "Ada Quill"}).encode()
    headers = {"content-type": "application/json"}
    assert (await client.post(TARGETS, content=body, headers=headers)).status_code == 201


@given(st.text(max_size=8))
def test_what_the_schema_lets_through_the_registry_does_not_refuse(text: str) -> None:
    if re.search(TWO_LETTERS, text):
        assert len(fold(text)) >= 2


# Invented or common given names, one or more of each script whose letters lie in short runs of code points.
NAMES = """ரஜினி মমতা শামসুর હેમંત ಶಿವಣ್ಣ ଜଗନ୍ନାଥ ਗੁਰਮੀਤ සිරිසේන علي ګل ایران ใจดี ไอ ຫຼ້າ ຄຳ အောင် សុខា ఉష ഉഷ राम
    דוד Ωρίων Օհան გია ሰላም ᎠᏓ ᓄᓇ 𠮷野 塚﨑 ＡＢ ﷲﷲ ꓐꓰ ꦱꦶꦠꦶ ᠪᠠ བསོད ޢަލީ ⵉⴷⵉⵔ 𞤀𞤣 유나 ハナ 张伟 ﾊﾅ ปู စု ម៉ៅ ਗੁਰੂ மா 𝐀𝐝𝐚 Ⅻ१२"""


@pytest.mark.parametrize("name", NAMES.split())
async def test_a_name_of_any_script_is_stored(client: httpx.AsyncClient, name: str) -> None:
    response = await client.post(TARGETS, json={"name": name, "aliases": [name], "phrases": [name]})
    assert response.status_code == 201, response.text


@given(st.text(st.characters(categories=["L", "Nd"]), min_size=2, max_size=2))
def test_two_letters_that_matching_keeps_are_let_through(text: str) -> None:
    if all(map(fold, text)):
        assert TargetIn(name=text).name == text


@pytest.mark.parametrize("name", ["吴", "김", "あ", "न", "A", "--", "a\u0301"])
def test_one_letter_is_no_name_as_it_would_forbid_a_part_of_ordinary_words(name: str) -> None:
    with pytest.raises(ValidationError):
        TargetIn(name=name)


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
        "server",
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


async def test_listed_values_are_checked_masked_and_given_back(client: httpx.AsyncClient) -> None:
    listed = [{"kind": "phone", "value": "020 7946 0958", "country": "GB"}]
    path = (await client.post(TARGETS, json={"name": "Joan Miller", "patterns": listed})).headers["location"]
    assert (await client.get(path, params={"reveal": "true"})).json()["patterns"] == listed
    assert "7946" not in (await client.get(path)).text
    mistaken = [*listed, {"kind": "card", "value": "4539 1488 0343 6468"}]
    response = await client.post(TARGETS, json={"name": "Pell Dross", "patterns": mistaken})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "patterns[1].value")


async def test_dry_run_says_which_classes_are_forbidden_and_whether_their_values_are_listed(
    client: httpx.AsyncClient,
) -> None:
    patterns = [
        {"kind": "iban", "value": "*"},
        {"kind": "regex", "value": "KX-0[1-3]"},
        {"kind": "card", "value": "4539 1488 0343 6467"},
    ]
    query = {"dry_run": "true", "reveal": "true"}
    preview = (await client.post(TARGETS, json={"name": "Joan Miller", "patterns": patterns}, params=query)).json()
    assert preview["classes"] == [
        {"kind": "iban", "value": "*", "country": "", "values": None},
        {"kind": "regex", "value": "KX-0[1-3]", "country": "", "values": 3},
    ]
    assert {"kx-01", "kx-02", "kx-03"} <= set(preview["forbidden"])
    wrong = [{"kind": "regex", "value": r"(a)\1bcd"}]
    response = await client.post(TARGETS, json={"name": "Joan Miller", "patterns": wrong})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "patterns[0].value")
    assert "bcd" not in response.text


@pytest.mark.parametrize(
    ("kind", "supplied", "status"),
    [("secret", "allow", 422), ("secret", "restrict", 201), ("secret", None, 201), ("person", "allow", 201)],
)
async def test_the_description_knows_that_a_secret_is_never_supplied(
    client: httpx.AsyncClient, kind: str, supplied: str | None, status: int
) -> None:
    body = {"name": "blue-heron-41-tarn", "kind": kind, "supplied": supplied}
    described = (await client.get("/openapi.json")).json()
    schema = described["components"]["schemas"]["TargetIn"] | {"components": described["components"]}
    assert Draft202012Validator(schema).is_valid(body) is (status == 201)
    assert (await client.post(TARGETS, json=body)).status_code == status


REPLICA = Replica(
    id="r1",
    name="host-b:8000",
    version=1,
    engine="vLLM",
    runner="v2",
    started_at=datetime(2030, 1, 1, tzinfo=UTC),
    lease_s=40.0,
    age_s=2.5,
)


async def test_replicas_are_listed(client: httpx.AsyncClient, service: Service) -> None:
    service.replicas = [REPLICA, replace(REPLICA, id="r2", age_s=41.0)]
    answer = await client.get("/admin/v1/replicas")
    assert answer.json() == {
        "version": 0,
        "replicas": [
            {
                "id": id,
                "name": "host-b:8000",
                "enforced_version": 1,
                "engine": "vLLM",
                "runner": "v2",
                "started_at": "2030-01-01T00:00:00Z",
                "renewed_s": age,
                "live": live,
            }
            for id, age, live in [("r1", 2.5, True), ("r2", 41.0, False)]
        ],
    }


async def test_a_change_that_another_replica_does_not_enforce_is_not_applied(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.replicas = [REPLICA]
    wait = {"wait": "applied", "timeout": "1"}
    assert (await client.post(TARGETS, params=wait, json=ADA)).status_code == 201
    refused = await client.post(TARGETS, params=wait, json={"name": "Bela Moth"})
    assert (refused.status_code, refused.json()["code"]) == (504, "not_applied_in_time")
    assert "not yet enforced by host-b:8000 after 1 seconds" in refused.json()["detail"]


async def test_a_change_that_a_worker_of_the_engine_has_not_loaded_is_not_applied(
    client: httpx.AsyncClient, service: Service
) -> None:
    service.worker_version = 0
    refused = await client.post(TARGETS, params={"wait": "applied", "timeout": "1"}, json=ADA)
    assert (refused.status_code, refused.json()["code"]) == (504, "not_applied_in_time")
    assert "not yet enforced by a worker of the engine after 1 seconds" in refused.json()["detail"]
