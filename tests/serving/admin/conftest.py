"""An admin plane on a registry of its own, without an engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from pydantic import SecretStr

from guard.detection.detector import Match, Signals
from guard.errors import PolicyUnavailable
from guard.policy.plan import Plan, PlanKind
from guard.registry.keys.keyring import Keyring
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from guard.signing import SigningKey
from guard.targets.target import Mode
from guard.text.conversation import Message
from serving.access.delegates import Delegates
from serving.access.oidc import TokenVerifier
from serving.admin.app import create_admin
from serving.admin.service import AdminService, Enforced
from serving.approval.changes import TargetChanges
from serving.assistants.service import AssistantService
from serving.audit.checkpoints import AuditKeeper
from serving.elicitation.service import ElicitationService
from serving.planner import PlannedRequest
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import VerdictLog

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
        self.notified = 0
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
    tags: frozenset[str] = frozenset()
    is_in_share: bool | None = None

    @property
    def changes(self) -> TargetChanges:
        return TargetChanges(self.registry)

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
        self.notified += 1

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

    def under(self, tags: frozenset[str]) -> Service:
        self.tags = tags
        return self

    async def plan_on_side(self, conversation: Sequence[Message], *, enforced: bool) -> PlannedRequest:
        self.is_in_share = enforced
        return await self.plan(conversation)

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
