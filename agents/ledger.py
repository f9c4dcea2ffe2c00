"""The budget of one request, and the ledger of the calls made under it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from agents.chat import Usage
from agents.reason import Declined, Reason

MIN_TOKENS = 16


class Role(StrEnum):
    """The role that a model plays in a call."""

    VANILLA = "vanilla"
    CHECK = "check"
    REWRITE = "rewrite"
    CRITIC = "critic"
    PARSE = "parse"
    COMPOSER = "composer"


@dataclass(frozen=True, slots=True)
class Item:
    """One call: its role, whether it repeated one whose reply was invalid, and its tokens.

    A failed call has no tokens, as the endpoint did not report any.
    """

    role: Role
    repair: bool
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that one request may cost.

    calls    calls to any endpoint, repairs included
    tokens   prompt and completion tokens; no call starts once they are spent and each may generate only what is
             left, so that they are exceeded by at most the prompt of the last call
    seconds  from the first call to the result, including the wait for a free slot
    """

    calls: int = 10
    tokens: int = 65_536
    seconds: float = 60.0


class Ledger:
    """Records the calls of one request and keeps them within its budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._items: list[Item] = []

    @property
    def items(self) -> tuple[Item, ...]:
        """The calls so far, in order."""
        return tuple(self._items)

    def allow(self, n: int, max_tokens: int) -> int:
        """Return the token limit of each of `n` completions; Declined if the budget allows no further call."""
        spent = total(self._items)
        left = (self._budget.tokens - spent.prompt - spent.completion) // n
        if len(self._items) >= self._budget.calls or left < MIN_TOKENS:
            raise Declined(Reason.BUDGET)
        return min(max_tokens, left)

    def record(self, item: Item) -> None:
        """Record a call that was made."""
        self._items.append(item)


def total(items: Iterable[Item]) -> Usage:
    """Return the tokens of all `items` together."""
    counted = [item.usage for item in items]
    return Usage(sum(usage.prompt for usage in counted), sum(usage.completion for usage in counted))
