from __future__ import annotations

from agents.chat import Usage
from agents.ledger import Item, Role
from agents.reason import Reason
from agents.result import AgentsResult
from serving.telemetry.metrics import Metrics
from serving.telemetry.recorder import Recorder


def test_every_call_counts_by_role_and_outcome() -> None:
    metrics = Metrics()
    items = (
        Item(Role.VANILLA, False, Usage(10, 2)),
        Item(Role.CHECK, True, Usage(7, 1)),
        Item(Role.REWRITE, False, Usage(0, 0)),
    )
    Recorder(metrics).record_agents(AgentsResult(text=None, reason=Reason.UNREACHABLE, items=items))

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"lethe_agent_{name}_total", labels)

    for role, outcome in (("vanilla", "answered"), ("check", "repair"), ("rewrite", "failed")):
        assert value("calls", role=role, outcome=outcome) == 1
    assert (
        value("tokens", role="vanilla", direction="read"),
        value("tokens", role="vanilla", direction="said"),
    ) == (
        10,
        2,
    )
