"""Records decisions: Prometheus counters and verdict-log rows. Stores no text."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from agents.ledger import Item
from agents.result import AgentsResult
from guard.detection.detector import TouchedBy
from guard.policy.plan import PlanKind
from guard.targets.target import Mode
from serving.planner import PlannedRequest
from serving.telemetry.metrics import Metrics
from serving.telemetry.tracing import event, note
from serving.telemetry.verdict_log import VerdictLog, verdicts_of, would_be

# The strongest first: a request that touches several shadow targets counts once, under the first of these.
STRENGTH = (PlanKind.DECLINE, PlanKind.AGENTS, PlanKind.SUBTRACT, PlanKind.RESTRICT)


class Recorder:
    """Records what was decided about requests. Never waits and never fails a request."""

    def __init__(self, metrics: Metrics, log: VerdictLog | None = None) -> None:
        self.metrics = metrics
        self._log = log

    def record_plan(self, request_id: str, planned: PlannedRequest) -> None:
        """Count the plan of one request and log its verdicts."""
        plan = planned.plan
        note(plan=plan.kind, policy_version=plan.version, touched=len(plan.matches))
        self.metrics.count_plan(plan.kind, Mode.ENFORCE)
        if planned.policy is not None and (canaries := len(planned.policy.canaries.by_id)):
            sharing = len(planned.policy.sharing)
            self.metrics.count_canaries(Mode.ENFORCE, sharing)
            self.metrics.count_canaries(Mode.SHADOW, canaries - sharing)
        shadows = {
            would_be(planned.touched[match.target_id]) for match in plan.matches if match.mode is Mode.SHADOW
        }
        if shadows:
            self.metrics.count_plan(next(kind for kind in STRENGTH if kind in shadows), Mode.SHADOW)
        if self._log is not None and plan.matches:
            self._log.add(verdicts_of(request_id, plan.kind, plan.matches, planned.touched))

    def record_said(self, request_id: str, before: PlannedRequest, found: PlannedRequest) -> None:
        """Count and log the targets that an answer touched by what it said; `before` is the plan that it had."""
        known = {match.target_id for match in before.plan.matches}
        new = [match for match in found.plan.matches if match.target_id not in known]
        enforced = any(match.mode is Mode.ENFORCE for match in new)
        event("planned again", plan=found.plan.kind, touched=len(new), enforced=enforced)
        if enforced:
            self.metrics.count_plan(found.plan.kind, Mode.ENFORCE, TouchedBy.ANSWER)
        elif shadows := {would_be(found.touched[match.target_id]) for match in new}:
            strongest = next(kind for kind in STRENGTH if kind in shadows)
            self.metrics.count_plan(strongest, Mode.SHADOW, TouchedBy.ANSWER)
        if self._log is not None:
            self._log.add(verdicts_of(request_id, found.plan.kind, new, found.touched))

    def record_answer(self, request_id: str, planned: PlannedRequest) -> None:
        """Log the verdicts of an answer that was declined for what it said itself."""
        if self._log is not None:
            matches = [replace(match, touched_by=TouchedBy.ANSWER) for match in planned.plan.matches]
            self._log.add(verdicts_of(request_id, PlanKind.DECLINE, matches, planned.touched))

    def record_agents(self, result: AgentsResult) -> None:
        """Count every model call behind `result`."""
        for item in result.items:
            prompt, completion = item.usage
            self.metrics.count_agent_call(item.role.value, _call_outcome(item), prompt, completion)
            event("agent called", role=item.role, repair=item.repair, read=prompt, said=completion)


def _call_outcome(item: Item) -> Literal["answered", "repair", "failed"]:
    # A failed call has no tokens, as the endpoint did not report any.
    if item.usage == (0, 0):
        return "failed"
    return "repair" if item.repair else "answered"
