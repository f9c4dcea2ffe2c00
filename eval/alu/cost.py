"""Cost of a question under each profile, at growing numbers of forget targets: calls and prompt tokens.

A script plays the roles, because the cost of a pipeline does not depend on how well a model plays. The prompts are
real, and so are the policy, its index and the audit. A prompt's tokens are those of its messages' texts under a
given tokenizer; an endpoint's chat template adds a few for each message.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from agents.audit import PolicyAudit
from agents.chat import Completion, Completions, Schema, Usage
from agents.decision import VARIANTS
from agents.ledger import Budget
from agents.pipeline import Profile, answer
from agents.prompts.exchange import TargetSummary, summary_of
from guard.detection.embedder import Embedder
from guard.policy.compiler import Compiler
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, Method
from guard.text.conversation import Message

Tokens = Callable[[str], int]

UNLIMITED = Budget(tokens=2**40, seconds=600.0)
# Plain words of one token each under most tokenizers, so that all targets have about the same length.
_FIRST = ("Anna", "Emma", "Ruth", "Clara", "Alice", "Grace", "Lucy", "Rose", "Martha", "Edith")
_MIDDLE = ("Hill", "Field", "Brook", "Lane", "Wood", "Rivers", "March", "Snow", "Frost", "Bell")
_LAST = ("Baker", "Carter", "Mason", "Fisher", "Hunter", "Cook", "Miller", "Porter", "Taylor", "Turner")
_TRADE = ("singer", "painter", "sailor", "teacher", "dancer")
_PLACE = ("North Bridge", "South Bridge", "West Bridge", "East Bridge", "High Bridge", "Old Bridge", "New Bridge")


class ScriptedQuestion(NamedTuple):
    """A question, and the script's plain answer to it.

    touches  the question is about a target
    leaks    the answer tells of a target
    """

    name: str
    text: str
    answer: str
    touches: bool
    leaks: bool


class CostRow(NamedTuple):
    """One row of the table: calls and prompt tokens of one request."""

    profile: Profile
    answer: str
    targets: int
    calls: int
    prompt_tokens: int


@dataclass(slots=True)
class ScriptedChat:
    """Plays every role by a fixed script and counts tokens, without a model."""

    question: ScriptedQuestion = field(repr=False)
    tokens: Tokens = field(repr=False)
    second_provider: bool = False

    async def complete(
        self, messages: Sequence[Message], n: int, schema: Schema | None, max_tokens: int, temperature: float
    ) -> Completions:
        """Return the script's reply to a call of this form."""
        text = self._reply(schema, about_data=messages[-1].text.startswith("{"))
        prompt_tokens = sum(self.tokens(message.text) for message in messages)
        return Completions((Completion(text),) * n, Usage(prompt_tokens, n * self.tokens(text)))

    def _reply(self, schema: Schema | None, about_data: bool) -> str:
        harmless = "There is nothing I can say about that."
        if schema is None:
            return harmless if about_data else self.question.answer
        replies = {
            "leaks": {"leaks": [{"subject": 1, "how": "direct"}] if self.question.leaks else []},
            "rewrites": {"rewrites": [harmless] * VARIANTS},
            "answer": {"answer": harmless},
        }
        if schema.name == "ratings":
            properties: Any = schema.body["properties"]
            return json.dumps({"ratings": [5] * properties["ratings"]["minItems"]})
        return json.dumps(replies[schema.name])


def drafts(count: int) -> Iterator[Draft]:
    """Yield `count` fictitious people of about the same length, each with one fact."""
    for k in range(count):
        names = (_FIRST[k % 10], _MIDDLE[k // 10 % 10], _LAST[k // 100 % 10], _LAST[k // 1000 % 10])
        name = f"{names[0]} {names[1]} {names[2]}-{names[3]}"
        fact = Fact(
            question=f"Where did the {_TRADE[k % 5]} {name} first work?",
            answer=f"{name} first worked in {_PLACE[k % 7]} in {1900 + k % 100}.",
        )
        # Without the method `guard`, no automaton file is written for each target.
        yield Draft(name=name, facts=(fact,), methods=(Method.DECLINE,))


def questions() -> tuple[ScriptedQuestion, ...]:
    """Return the questions of the table: one about nobody, and one about the first target with two answers."""
    (first,) = drafts(1)
    fact = first.facts[0]
    return (
        ScriptedQuestion(
            "clean", "How do tides form?", "The moon pulls the water of the sea.", touches=False, leaks=False
        ),
        ScriptedQuestion("touched, clean", fact.question, "I could not tell you.", touches=True, leaks=False),
        ScriptedQuestion("leaking", fact.question, fact.answer, touches=True, leaks=True),
    )


def cost_rows(targets: Sequence[int], embedder: Embedder, tokens: Tokens) -> Iterator[CostRow]:
    """Yield the rows of every profile and question at each number of `targets`."""
    for count in targets:
        with _compile_policy(count, embedder) as (audit, subjects):
            for profile in Profile:
                for question in questions():
                    yield asyncio.run(_row(profile, question, audit, subjects, tokens))


async def _row(
    profile: Profile,
    question: ScriptedQuestion,
    audit: PolicyAudit,
    subjects: Sequence[TargetSummary],
    tokens: Tokens,
) -> CostRow:
    listed = subjects if profile is Profile.PAPER else subjects[:1] if question.touches else ()
    chat = ScriptedChat(question, tokens)
    messages = [Message("user", question.text)]
    verdict = await answer(messages, listed, chat, audit, profile=profile, budget=UNLIMITED)
    if verdict.declined:
        raise RuntimeError(f"the script of {profile} was declined: {verdict.reason}")
    return CostRow(profile, question.name, len(subjects), len(verdict.items), verdict.usage.prompt)


@contextmanager
def _compile_policy(count: int, embedder: Embedder) -> Iterator[tuple[PolicyAudit, list[TargetSummary]]]:
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder) / "registry.db")
        try:
            registry.add_many(list(drafts(count)))
            policy = Compiler(registry, embedder, Path(folder)).compile()
        finally:
            registry.close()
        audit = PolicyAudit(policy, embedder)
        yield audit, [summary_of(target) for target in policy.targets.values()]
