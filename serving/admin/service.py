"""What the admin plane needs of the server it administers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, NamedTuple, Protocol

from fastapi import Depends, Request

from guard.policy.current import Applier, CurrentPolicy
from guard.policy.plan import Plan
from guard.targets.registry import Registry
from guard.targets.target import Mode
from guard.text.conversation import Message
from serving.assistants.service import AssistantService
from serving.planner import Planner
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import VerdictLog


class Enforced(NamedTuple):
    """The policy in force: its version (0 before the first) and how many targets it holds in each mode."""

    version: int
    targets: Mapping[Mode, int]


class AdminService(Protocol):
    """The server as its administrator sees it."""

    @property
    def registry(self) -> Registry:
        """The forget targets; its methods block, so the admin plane calls them in threads."""

    @property
    def assistants(self) -> AssistantService | None:
        """ULD's assistants; None where the engine is not our own."""

    @property
    def metrics(self) -> Metrics:
        """What happened so far, in numbers."""

    @property
    def verdicts(self) -> VerdictLog:
        """The latest verdicts; its methods block."""

    def changed(self) -> None:
        """Take note that the registry has a newer version, which should be enforced soon."""

    async def applied(self, version: int, timeout: float) -> bool:
        """Return whether `version` or a later one is enforced within `timeout` seconds."""

    async def check(self, conversation: Sequence[Message]) -> Plan:
        """Return what would be done with `conversation`, without any call to the model."""

    def enforced(self) -> Enforced:
        """Return which policy is in force."""

    def unready(self) -> str:
        """Return why no request may be answered now; empty when the server is ready."""


def _service_of(request: Request) -> AdminService:
    service: AdminService = request.app.state.service
    return service


Service = Annotated[AdminService, Depends(_service_of)]


class PolicyService:
    """Joins the registry, the applier and the planner; `unready` is the data plane's own answer."""

    def __init__(
        self,
        registry: Registry,
        applier: Applier,
        current: CurrentPolicy,
        planner: Planner,
        unready: Callable[[], str],
        assistants: AssistantService | None,
        metrics: Metrics,
        verdicts: VerdictLog,
    ) -> None:
        self._registry = registry
        self._applier = applier
        self._current = current
        self._planner = planner
        self._unready = unready
        self._assistants = assistants
        self._metrics = metrics
        self._verdicts = verdicts

    @property
    def registry(self) -> Registry:
        return self._registry

    @property
    def assistants(self) -> AssistantService | None:
        return self._assistants

    @property
    def metrics(self) -> Metrics:
        return self._metrics

    @property
    def verdicts(self) -> VerdictLog:
        return self._verdicts

    def changed(self) -> None:
        """Have the next policy compiled now rather than at the next look at the registry."""
        self._applier.notify()

    async def applied(self, version: int, timeout: float) -> bool:
        """Return whether `version` or a later one is enforced within `timeout` seconds."""
        return await self._applier.wait(version, timeout)

    async def check(self, conversation: Sequence[Message]) -> Plan:
        """Return the plan a request with this conversation would get; PolicyUnavailable before any policy."""
        return (await self._planner.plan(conversation)).plan

    def enforced(self) -> Enforced:
        """Return the version in force and its targets by mode."""
        policy = self._current.policy
        return Enforced(policy.version, policy.counts) if policy else Enforced(0, {})

    def unready(self) -> str:
        """Return why no request may be answered now; empty when the server is ready."""
        return self._unready()
