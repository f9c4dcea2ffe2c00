from __future__ import annotations

from agents.chat import Usage
from agents.ledger import Item, Role
from agents.reason import Reason
from agents.result import Verdict
from serving.telemetry.recorder import count


def test_every_call_counts_by_role_and_how_it_went() -> None:
    told: list[tuple[str, str, int, int]] = []

    class Counter:
        def agent_called(self, role: str, outcome: str, read: int = 0, said: int = 0) -> None:
            told.append((role, outcome, read, said))

    items = (
        Item(Role.VANILLA, False, Usage(10, 2)),
        Item(Role.CHECK, True, Usage(7, 1)),
        Item(Role.REWRITE, False, Usage(0, 0)),
    )
    count(Counter(), Verdict(text=None, reason=Reason.UNREACHABLE, items=items))
    assert told == [("vanilla", "answered", 10, 2), ("check", "repair", 7, 1), ("rewrite", "failed", 0, 0)]
