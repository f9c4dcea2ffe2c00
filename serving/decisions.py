"""What becomes known of a judgement: numbers for Prometheus, verdicts for the log, and a text to neither."""

from __future__ import annotations

from guard.plan import PlanKind
from guard.target import Mode
from serving.judge import Judgement
from serving.metrics import Metrics
from serving.verdicts import VerdictLog, verdicts_of, would_be

# The strongest first: what one request would have got of several shadow targets.
STRENGTH = (PlanKind.DECLINE, PlanKind.AGENTS, PlanKind.SUBTRACT, PlanKind.RESTRICT)


class Decisions:
    """Where the data plane tells what it decided; never waits, never fails a request."""

    def __init__(self, metrics: Metrics, log: VerdictLog | None = None) -> None:
        self.metrics = metrics
        self._log = log

    def note(self, request_id: str, judgement: Judgement) -> None:
        """Count and record the judgement of one request."""
        plan = judgement.plan
        self.metrics.verdict(plan.kind, Mode.ENFORCE)
        shadows = {
            would_be(judgement.touched[match.target_id]) for match in plan.matches if match.mode is Mode.SHADOW
        }
        if shadows:
            self.metrics.verdict(next(kind for kind in STRENGTH if kind in shadows), Mode.SHADOW)
        if self._log is not None and plan.matches:
            self._log.note(verdicts_of(request_id, plan.kind, plan.matches, judgement.touched))
