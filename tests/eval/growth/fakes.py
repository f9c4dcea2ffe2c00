"""Fakes of a growing server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eval.benchmarks.files import Question
from eval.core.prompt import Prompt
from eval.core.runner import Generation
from eval.growth.growth import GrowingPolicy, RetainQuestions
from eval.growth.load import LoadResult, LoadResults
from serving.client.observed import Policy
from serving.client.targets import StoredBatch


class FakeAdmin:
    """Replaces the admin plane's client."""

    def __init__(self, enforced: int = 0) -> None:
        self.enforced = enforced
        self.batches: list[list[dict[str, Any]]] = []
        self.revoked: list[str] = []

    def add_many(self, drafts: list[dict[str, Any]]) -> Any:
        self.batches.append(drafts)
        return StoredBatch(ids=tuple(draft["name"] for draft in drafts))

    def revoke(self, target_id: str) -> None:
        self.revoked.append(target_id)

    def policy(self) -> Any:
        return Policy.model_construct(enforced={"enforce": self.enforced, "shadow": 0})


class FakeEndpoint:
    """Replaces the endpoint: knows its answers until the policy holds `until` batches."""

    model = "toy"

    def __init__(self, admin: FakeAdmin, until: int = 1_000) -> None:
        self.admin = admin
        self.until = until

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        known = len(self.admin.batches) < self.until
        return [Generation("a lamp\n\nQuestion: and?" if known else "no idea", ()) for _ in prompts]

    def close(self) -> None:
        pass


def growing(until: int = 1_000) -> GrowingPolicy:
    """Return a policy on fakes, with the results of 100 requests of which one failed."""
    admin, load = FakeAdmin(), LoadResults()
    for number in range(100):
        load.add(LoadResult(number / 100, number != 7))
    rows = [Question("What is it?", "a lamp"), Question("And this?", "a lamp")]
    questions = RetainQuestions(rows, [Prompt(row.question, chat=False) for row in rows], 32)
    return GrowingPolicy(admin, FakeEndpoint(admin, until), load, questions)  # type: ignore[arg-type]


class SteadyLoad(LoadResults):
    """A load that has two results at every call."""

    def take(self) -> list[LoadResult]:
        return [LoadResult(0.1, True), LoadResult(0.2, True)]


def steadily_growing() -> GrowingPolicy:
    """Return a policy whose load always has two results."""
    growth = growing()
    growth.load = SteadyLoad()
    return growth
