"""What the admin plane needs of the server that it administers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from anyio.to_thread import run_sync
from fastapi import Depends, Request

from guard.policy.current import Applier, CurrentPolicy
from guard.registry.keys.keyring import Keyring
from guard.registry.lease import Lease
from guard.registry.registry import Registry
from guard.targets.target import Mode
from guard.workers.workers import Workers
from serving.access.delegates import Delegates
from serving.access.oidc import TokenVerifier
from serving.approval.changes import TargetChanges
from serving.assistants.service import AssistantService
from serving.audit.checkpoints import AuditKeeper
from serving.audit.sender import Sender
from serving.certificates.issuing import CertificateIssuer
from serving.elicitation.service import ElicitationService
from serving.engine.supervisor import Engines
from serving.planner import Planner
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import VerdictLog
from serving.trial.trials import Trials


class Enforced(NamedTuple):
    """The policy in force: the version that is enforced in full (0 before the first), how many targets it holds in
    each mode, and how many more are found by name only until their texts are embedded."""

    version: int
    targets: Mapping[Mode, int]
    pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminService:
    """The parts of a server that the admin plane reads and changes.

    registry      the forget targets; its methods block, so they are called in threads
    applier       compiles and applies the policy after a change of the registry
    unready       returns why no request may be answered now, or an empty string
    assistants    None for a remote engine
    verdicts      its methods block
    lease         this server among those that share the registry
    audit         verifies the audit trail and signs checkpoints of it
    webhooks      tells others of events
    engines       one engine, or several
    workers       the workers of its engine, and what they have loaded
    tokens        verifies bearer tokens of an identity provider; None without one
    keys          the keys that are accepted besides the configured ones
    elicitations  asks the served model, unrestricted, what it says of a target
    trials        tries prompts with and without the policy
    delegates     programs that this server has started for a caller
    certificates  issues certificates, and keeps them
    changes       makes the changes of targets that callers ask for, at once or once they are approved
    """

    registry: Registry
    applier: Applier
    current: CurrentPolicy
    planner: Planner
    unready: Callable[[], str]
    assistants: AssistantService | None
    metrics: Metrics
    verdicts: VerdictLog
    elicitations: ElicitationService
    lease: Lease
    audit: AuditKeeper
    webhooks: Sender
    workers: Workers
    engines: Engines
    trials: Trials
    keys: Keyring
    tokens: TokenVerifier | None
    delegates: Delegates
    certificates: CertificateIssuer
    changes: TargetChanges

    def enforced(self) -> Enforced:
        """Return the version in force and its targets by mode."""
        policy = self.current.policy
        if policy is None:
            return Enforced(0, {})
        return Enforced(policy.complete_version, policy.counts, len(policy.lookup.pending))

    async def observe_state(self) -> None:
        """Set the metrics of the state of policy and engine."""
        stored, enforced = await run_sync(self.registry.version), self.enforced()
        up = not self.unready()
        self.metrics.set_state(stored, enforced.version, enforced.targets, enforced.pending, up)

    def context(self) -> frozenset[str]:
        """Return the folds of phrases of many targets, which the policy in force forbids in no answer alone."""
        policy = self.current.policy
        return frozenset() if policy is None else policy.context


def _service_of(request: Request) -> AdminService:
    service: AdminService = request.app.state.service
    return service


Service = Annotated[AdminService, Depends(_service_of)]
