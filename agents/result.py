"""The result of the agents' pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.chat import Usage
from agents.ledger import Item, total
from agents.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsResult:
    """An answer, or a decline when `text` is None; the caller puts its own fixed text in a decline's place.

    reason   for metrics and the operator alone
    finish   why the answer ended: `stop` or `length`
    score    what acceptance was decided by: the lower of the best candidates' mean rating and, where the merged
             answer was rated too, that rating; None when nothing was rated
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
        """Whether nothing is answered."""
        return self.text is None

    @property
    def usage(self) -> Usage:
        """The tokens of all calls together."""
        return total(self.items)
