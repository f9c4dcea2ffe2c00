"""What becomes known of a judgement: numbers for Prometheus, verdicts for the log, and a text to neither."""

from __future__ import annotations

from typing import Literal, Protocol

from agents.ledger import Item
from agents.result import Verdict
from guard.policy.plan import PlanKind
from guard.targets.target import Mode
from serving.planner import PlannedRequest
from serving.telemetry.metrics import Metrics
from serving.telemetry.verdict_log import VerdictLog, verdicts_of, would_be

# The strongest first: what one request would have got of several shadow targets.
STRENGTH = (PlanKind.DECLINE, PlanKind.AGENTS, PlanKind.SUBTRACT, PlanKind.RESTRICT)


class Decisions:
    """Where the data plane tells what it decided; never waits, never fails a request."""

    def __init__(self, metrics: Metrics, log: VerdictLog | None = None) -> None:
        self.metrics = metrics
        self._log = log

    def note(self, request_id: str, planned: PlannedRequest) -> None:
        """Count and record the judgement of one request."""
        plan = planned.plan
        self.metrics.verdict(plan.kind, Mode.ENFORCE)
        shadows = {
            would_be(planned.touched[match.target_id]) for match in plan.matches if match.mode is Mode.SHADOW
        }
        if shadows:
            self.metrics.verdict(next(kind for kind in STRENGTH if kind in shadows), Mode.SHADOW)
        if self._log is not None and plan.matches:
            self._log.note(verdicts_of(request_id, plan.kind, plan.matches, planned.touched))


Outcome = Literal["answered", "repair", "failed"]


class Counter(Protocol):
    """Counts calls; metrics do."""

    def agent_called(self, role: str, outcome: str, read: int = 0, said: int = 0) -> None: ...


def count(counter: Counter, verdict: Verdict) -> None:
    """Tell `counter` of every call behind `verdict`."""
    for item in verdict.items:
        counter.agent_called(item.role.value, _outcome(item), item.usage.prompt, item.usage.completion)


def _outcome(item: Item) -> Outcome:
    # A call that failed has no tokens: the endpoint did not say what it counted.
    if item.usage == (0, 0):
        return "failed"
    return "repair" if item.repair else "answered"
