from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from guard.detection.detector import Match, Signals
from guard.errors import EngineUnavailable
from guard.policy.current import CurrentPolicy
from guard.policy.plan import Plan, PlanKind
from guard.registry.keys.keyring import Keyring
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from guard.targets.target import Mode
from guard.text.conversation import Message
from serving.access.delegates import Delegates
from serving.access.oidc import TokenVerifier
from serving.admin.service import Enforced
from serving.approval.changes import TargetChanges
from serving.assistants.service import AssistantService
from serving.certificates.issuing import CertificateIssuer, Planes
from serving.certificates.stored import CertificateFolder
from serving.desk.app import create_desk
from serving.elicitation.service import ElicitationService
from serving.http.asgi import App
from serving.planner import PlannedRequest
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import VerdictLog
from serving.trial.trials import ServedTrials

KEY = "test-key-" + "k" * 32
IDLE_S = 600
MEASURING = Path(__file__).with_name("measuring.py")


class Service:
    """Stands in for AdminService, its applier, planner and elicitations."""

    def __init__(self, path: Path) -> None:
        self.registry = Registry(path / "registry.db")
        self.keys = Keyring(self.registry.keys)
        self.tokens: TokenVerifier | None = None
        self.applier = self.planner = self
        self.current = CurrentPolicy()
        self.metrics = Metrics()
        self.verdicts = VerdictLog(path / "verdicts.db", self.metrics)
        self.assistants: AssistantService | None = None
        self.elicitations = ElicitationService(self.registry, None, lambda: None, self.notify)  # type: ignore[arg-type]
        self.lease = self
        self.replicas: list[Replica] = []
        self.changes = TargetChanges(self.registry)
        self.reason = ""
        self.matched = "ft_1"
        self.asked: list[str] = []
        self.engine = True
        self.trials = ServedTrials(self, self.say, self.ask)  # type: ignore[arg-type]
        self.delegates = Delegates()
        planes = Planes(data_url="http://data", admin_url="http://admin", client_key=SecretStr("own"))
        stored = CertificateFolder(path / "certificates")
        command = (sys.executable, str(MEASURING))
        self.certificates = CertificateIssuer(stored, path / "certificate.key", planes, self.delegates, command)

    def list(self) -> list[Replica]:
        return self.replicas

    def notify(self) -> None:
        pass

    async def wait(self, version: int, timeout: float, targets: Collection[str]) -> bool:
        return True

    async def plan(self, conversation: Sequence[Message]) -> PlannedRequest:
        match = Match(self.matched, 0.9, Signals(name=1.0, semantic=0.4), Mode.ENFORCE, "fact")
        return PlannedRequest(Plan(PlanKind.RESTRICT, (), (match,), 7), ())

    async def ask(self, prompt: str, max_tokens: int) -> str:
        if not self.engine:
            raise EngineUnavailable("no engine is ready")
        self.asked.append(prompt)
        return "I would rather talk about <b>orchards</b>."

    async def say(self, prompt: str, max_tokens: int) -> str:
        return "She wrote The <i>Glass</i> Orchard."

    def enforced(self) -> Enforced:
        return Enforced(self.registry.version(), {Mode.SHADOW: 1, Mode.ENFORCE: 2})

    def context(self) -> frozenset[str]:
        return frozenset()

    def unready(self) -> str:
        return self.reason


class Browser:
    """A client that keeps cookies, follows no redirect, and sends forms with the token of the page before."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.token = ""

    async def get(self, path: str, **headers: str) -> httpx.Response:
        response = await self.client.get(path, headers=headers)
        return self._read(response)

    async def post(
        self, path: str, data: dict[str, object] | None = None, files: object = None, **headers: str
    ) -> httpx.Response:
        response = await self.client.post(
            path,
            data={"csrf": self.token, **(data or {})},
            files=files,
            headers=headers,  # type: ignore[arg-type]
        )
        return self._read(response)

    async def sign_in(self, key: str = KEY, after: str = "") -> httpx.Response:
        await self.get("/ui/sign-in")
        response = await self.post("/ui/sign-in", {"key": key, "next": after})
        if response.status_code == 303:
            await self.get("/ui")
        return response

    def _read(self, response: httpx.Response) -> httpx.Response:
        if found := re.search(r'name="csrf" value="([^"]+)"', response.text):
            self.token = found[1]
        return response


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.registry.close()


@pytest.fixture
def desk(service: Service) -> App:
    return create_desk(service, SecretStr(KEY), idle_s=IDLE_S, max_body_bytes=200_000)


@pytest.fixture
async def stranger(desk: App) -> AsyncIterator[Browser]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="http://desk") as client:
        yield Browser(client)


@pytest.fixture
async def browser(stranger: Browser) -> Browser:
    await stranger.sign_in()
    return stranger
