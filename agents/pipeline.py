"""The pipeline: the agents answer one conversation, or decline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from enum import StrEnum

from agents import lethe, paper
from agents.audit import Audit
from agents.calls import CallRunner
from agents.chat import Chat
from agents.decision import THRESHOLD
from agents.ledger import Budget, Ledger
from agents.prompts.exchange import TargetSummary
from agents.reason import Declined, Reason
from agents.result import AgentsResult
from guard.text.conversation import Message

log = logging.getLogger(__name__)

BUDGET = Budget()


class Profile(StrEnum):
    """`lethe`: few calls, only the nearest targets in prompts; `paper`: the published pipeline, for comparison."""

    LETHE = "lethe"
    PAPER = "paper"


async def answer(
    conversation: Sequence[Message],
    subjects: Sequence[TargetSummary],
    chat: Chat,
    audit: Audit,
    *,
    engine: Chat | None = None,
    profile: Profile = Profile.LETHE,
    threshold: float = THRESHOLD,
    budget: Budget = BUDGET,
    max_tokens: int = 1024,
    temperature: float = 1.0,
) -> AgentsResult:
    """Return an answer that leaks no target known to the audit or the roles, or a decline.

    subjects     `lethe`: the targets that the conversation touches, if any; `paper`: all targets
    chat         the model that plays every role but Vanilla
    engine       the model that plays Vanilla; None: `chat`
    threshold    minimum score of an answer that was rewritten
    max_tokens   of the answer
    temperature  of Vanilla's answer

    Raises nothing unless cancelled: every failure (of an endpoint, of a reply's format, of the budget, or a fault
    in this code) ends in a decline within `budget.seconds`. Cancelling aborts the call in progress.
    """
    ledger = Ledger(budget)
    runner = CallRunner(chat, engine or chat, audit, ledger, max_tokens, [s for s in subjects if s.confined])
    run = lethe.run if profile is Profile.LETHE else paper.run
    try:
        async with asyncio.timeout(budget.seconds):
            return await run(runner, conversation, subjects, threshold, temperature)
    except Declined as declined:
        return AgentsResult(text=None, reason=declined.reason, score=declined.score, items=ledger.items)
    except TimeoutError:
        reason = Reason.TIMED_OUT
    except Exception as error:
        log.warning("the agents declined after a fault: %s", type(error).__name__)
        reason = Reason.FAULT
    return AgentsResult(text=None, reason=reason, items=ledger.items)
