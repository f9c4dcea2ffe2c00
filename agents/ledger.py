"""What one request may cost, and what it has cost: every call, itemised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from agents.chat import Usage
from agents.reason import Reason, Withheld

LEAST_TOKENS = 16


class Role(StrEnum):
    """Who speaks in a call."""

    VANILLA = "vanilla"
    CHECK = "check"
    REWRITE = "rewrite"
    CRITIC = "critic"
    PARSE = "parse"
    COMPOSER = "composer"


@dataclass(frozen=True, slots=True)
class Item:
    """One call: whose it was, whether it repaired an invalid reply, and its tokens.

    A call that failed is an item of no tokens: the endpoint did not say what it counted.
    """

    role: Role
    repair: bool
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that one request may cost.

    calls    calls to any endpoint, repairs included
    tokens   tokens read and written; no call starts once they are spent, and each may write only what is left,
             so they are exceeded by no more than the prompt of the last call
    seconds  from the first call to the verdict, waiting for a free place included
    """

    calls: int = 10
    tokens: int = 65_536
    seconds: float = 60.0


class Ledger:
    """Keeps the calls of one request within their budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._items: list[Item] = []

    @property
    def items(self) -> tuple[Item, ...]:
        """The calls so far, in order."""
        return tuple(self._items)

    def allow(self, n: int, max_tokens: int) -> int:
        """Return how many tokens each of `n` completions may have; Withheld when another call is not covered."""
        spent = total(self._items)
        left = (self._budget.tokens - spent.prompt - spent.completion) // n
        if len(self._items) >= self._budget.calls or left < LEAST_TOKENS:
            raise Withheld(Reason.BUDGET)
        return min(max_tokens, left)

    def note(self, item: Item) -> None:
        """Enter a call that was made."""
        self._items.append(item)


def total(items: Iterable[Item]) -> Usage:
    """Return the tokens of all `items` together."""
    counted = [item.usage for item in items]
    return Usage(sum(usage.prompt for usage in counted), sum(usage.completion for usage in counted))
