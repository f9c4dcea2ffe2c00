"""Tries a prompt: plan, stock answer and guarded answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from guard.errors import LetheError
from guard.policy.plan import Plan
from guard.text.conversation import message
from serving.planner import Planner
from serving.trial.asking import MAX_TOKENS, Ask


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, or why nothing was: the code of an error and its message."""

    text: str = field(default="", repr=False)
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is done with a prompt, what the model says without the policy, and what a client is answered."""

    plan: Plan
    stock: Answer
    guarded: Answer


class Trials(Protocol):
    """Tries prompts. Nothing of them is stored."""

    async def run(self, prompt: str, max_tokens: int = MAX_TOKENS) -> Trial:
        """Return plan and both answers. Raises LetheError where no plan can be made."""
        ...


@dataclass(frozen=True, slots=True)
class ServedTrials:
    """Tries prompts with the planner, the engine and the data plane of a server."""

    planner: Planner
    stock: Ask
    guarded: Ask

    async def run(self, prompt: str, max_tokens: int = MAX_TOKENS) -> Trial:
        """Return plan and both answers. Raises LetheError where no plan can be made."""
        planned = await self.planner.plan([message("user", prompt)])
        stock, guarded = await asyncio.gather(
            _answer(self.stock, prompt, max_tokens), _answer(self.guarded, prompt, max_tokens)
        )
        return Trial(planned.plan, stock, guarded)


async def _answer(ask: Ask, prompt: str, max_tokens: int) -> Answer:
    try:
        return Answer(await ask(prompt, max_tokens))
    except LetheError as error:
        return Answer(code=error.code, detail=error.message)
