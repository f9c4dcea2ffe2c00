"""The published pipeline, for comparison: every call, and every subject in the prompt.

The sequence, constants, ranking and threshold are those of arXiv 2502.00406's official code; where that code lets
something through (reference in docs/alu.md), this one declines.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.calls import VARIED, Stage
from agents.decision import VARIANTS, selection
from agents.ledger import Role
from agents.prompts.case import Subject, case_of, listed, numbered
from agents.prompts.prompt import brief
from agents.prompts.quotation import Data
from agents.prompts.replies import PROSE, leaks_among, ratings, rewrites
from agents.reason import Reason, Withheld
from agents.result import AgentsResult
from guard.text.conversation import Message


async def run(
    stage: Stage,
    conversation: Sequence[Message],
    subjects: Sequence[Subject],
    threshold: float,
    temperature: float,
) -> AgentsResult:
    """Return the verdict on the last question of a conversation; Withheld as soon as nothing may be answered.

    Vanilla sees that question alone. The check names leaking subjects; with none the model's answer stands in for
    all variants. The critic reasons freely and a second call reads its ratings. The merged text is audited
    without a call.
    """
    question = case_of(conversation, "").question
    asked = [Message("system", brief("paper/vanilla").system), Message("user", question)]
    first = (await stage.answered(asked, temperature)).text
    told = [subject for subject in subjects if not (stage.chat.second_provider and subject.confined)]
    about: dict[str, Data] = {"subjects": listed(told, facts=False), "question": question}

    checked = {"subjects": about["subjects"], "earlier": [], "question": question, "answer": first}
    found = await stage.asked(Role.CHECK, "check", checked, leaks_among(len(told)))
    texts = await _rewritten(stage, about, first) if found else (first,) * VARIANTS

    rated = {**about, "detected": [rank + 1 for rank in found], "candidates": numbered(texts)}
    review = await stage.asked(Role.CRITIC, "paper/rate", rated, PROSE)
    numbers = await stage.asked(Role.PARSE, "paper/parse", {"review": review}, ratings(len(texts)))
    chosen = selection(texts, numbers)
    if chosen is None or chosen.mean < threshold:
        raise Withheld(Reason.RATED_LOW, chosen and chosen.mean)

    merged = {"subjects": about["subjects"], "versions": list(chosen.texts)}
    text = await stage.asked(Role.COMPOSER, "paper/compose", merged, PROSE)
    leaked = [told[rank] for rank in found]
    if await stage.leaks(text, leaked):
        raise Withheld(Reason.LEAKED_AGAIN)
    return AgentsResult(
        text=text,
        reason=Reason.COMPOSED,
        score=chosen.mean,
        leaked=tuple(subject.id for subject in leaked),
        items=stage.ledger.items,
    )


async def _rewritten(stage: Stage, about: dict[str, Data], first: str) -> tuple[str, ...]:
    data = {**about, "answer": first}
    return await stage.asked(Role.REWRITE, "paper/rewrite", data, rewrites(VARIANTS), VARIED)
