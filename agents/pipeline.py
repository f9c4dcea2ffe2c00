"""One question answered by the agents: text, or a decline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from enum import StrEnum

from agents import lethe, paper
from agents.audit import Audit
from agents.calls import Stage
from agents.chat import Chat
from agents.decision import THRESHOLD
from agents.ledger import Budget, Ledger
from agents.prompts.case import Subject
from agents.reason import Reason, Withheld
from agents.result import AgentsResult
from guard.text.conversation import Message

log = logging.getLogger(__name__)

BUDGET = Budget()


class Profile(StrEnum):
    """`lethe`: few calls, subjects by nearness; `paper`: the published pipeline, for comparison."""

    LETHE = "lethe"
    PAPER = "paper"


async def answer(
    conversation: Sequence[Message],
    subjects: Sequence[Subject],
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
    """Return an answer that leaks no target that the audit or the roles know, or a decline; never raises but when
    cancelled.

    subjects     `lethe`: those that the conversation touches, none when it touches none; `paper`: all there are
    chat         plays every role but Vanilla
    engine       plays Vanilla; `chat` when None
    threshold    the least score that is answered
    max_tokens   of the answer; `temperature` is Vanilla's

    Whatever goes wrong (an endpoint that fails, hangs or talks nonsense, a spent budget, a fault of our own) ends
    in a decline within `budget.seconds`. Cancelling gives up the call in progress and makes no other.
    """
    ledger = Ledger(budget)
    stage = Stage(chat, engine or chat, audit, ledger, max_tokens, [s for s in subjects if s.confined])
    run = lethe.run if profile is Profile.LETHE else paper.run
    try:
        async with asyncio.timeout(budget.seconds):
            return await run(stage, conversation, subjects, threshold, temperature)
    except Withheld as withheld:
        return AgentsResult(text=None, reason=withheld.reason, score=withheld.score, items=ledger.items)
    except TimeoutError:
        reason = Reason.TIMED_OUT
    except Exception as error:
        log.warning("the agents declined after a fault: %s", type(error).__name__)
        reason = Reason.FAULT
    return AgentsResult(text=None, reason=reason, items=ledger.items)
