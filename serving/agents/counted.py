"""Every call of the agents as numbers: by role and how it went, with the tokens its endpoint counted."""

from __future__ import annotations

from typing import Literal, Protocol

from agents.ledger import Item
from agents.verdict import Verdict

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
