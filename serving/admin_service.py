"""The running server as the admin plane sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from guard.compiler import Applier, CurrentPolicy
from guard.conversation import Message
from guard.plan import Plan
from guard.registry import Registry
from serving.admin.service import Enforced
from serving.assistant_service import AssistantService
from serving.judge import Judge
from serving.metrics import Metrics
from serving.verdicts import VerdictLog


class PolicyService:
    """Joins the registry, the applier and the judge; `unready` is the data plane's own answer."""

    def __init__(
        self,
        registry: Registry,
        applier: Applier,
        current: CurrentPolicy,
        judge: Judge,
        unready: Callable[[], str],
        assistants: AssistantService | None,
        metrics: Metrics,
        verdicts: VerdictLog,
    ) -> None:
        self._registry = registry
        self._applier = applier
        self._current = current
        self._judge = judge
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
        return (await self._judge.judge(conversation)).plan

    def enforced(self) -> Enforced:
        """Return the version in force and its targets by mode."""
        policy = self._current.policy
        return Enforced(policy.version, policy.counts) if policy else Enforced(0, {})

    def unready(self) -> str:
        """Return why no request may be answered now; empty when the server is ready."""
        return self._unready()
