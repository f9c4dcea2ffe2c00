"""The result of the agents' pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.chat import Usage
from agents.ledger import Item, total
from agents.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsResult:
    """An answer, or a decline if `text` is None; the caller then sends its own fixed text.

    reason   for metrics and the operator only
    finish   the finish reason: `stop` or `length`
    score    compared with the threshold: the mean rating of the merged candidates or, if lower, the rating of the
             merged answer; None if nothing was rated
    leaked   ids of the forget targets found in the model's own answer
    items    every call made, in order
    """

    text: str | None = field(repr=False)
    reason: Reason
    finish: str = "stop"
    score: float | None = None
    leaked: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()

    @property
    def declined(self) -> bool:
        """Whether the request was declined."""
        return self.text is None

    @property
    def usage(self) -> Usage:
        """The tokens of all calls together."""
        return total(self.items)
