"""The published ALU pipeline, for comparison: it makes every call, with every target in the prompt.

The sequence, constants, ranking and threshold are those of the official code of arXiv 2502.00406. Where that code
lets something through (see docs/alu.md), this one declines.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.calls import DIVERSE_TEMPERATURE, CallRunner
from agents.decision import VARIANTS, select_best
from agents.ledger import Role
from agents.prompts.exchange import TargetSummary, exchange_of, list_subjects, number_texts
from agents.prompts.prompt import load_prompt
from agents.prompts.quotation import Data
from agents.prompts.replies import PROSE, leaks_format, ratings_format, rewrites_format
from agents.reason import Declined, Reason
from agents.result import AgentsResult
from guard.text.conversation import Message


async def run(
    runner: CallRunner,
    conversation: Sequence[Message],
    subjects: Sequence[TargetSummary],
    threshold: float,
    temperature: float,
) -> AgentsResult:
    """Answer the last question of a conversation; raise Declined if nothing may be answered.

    Vanilla reads that question alone. The check names the leaking targets; if there are none, the model's answer
    takes the place of all variants. The critic reasons in prose and a second call parses its ratings. The merged
    text is audited without a call.
    """
    question = exchange_of(conversation, "").question
    messages = [Message("system", load_prompt("paper/vanilla").system), Message("user", question)]
    first = (await runner.answer(messages, temperature)).text
    listed = [subject for subject in subjects if not (runner.chat.second_provider and subject.confined)]
    about: dict[str, Data] = {"subjects": list_subjects(listed, facts=False), "question": question}

    checked = {"subjects": about["subjects"], "earlier": [], "question": question, "answer": first}
    found = await runner.ask(Role.CHECK, "check", checked, leaks_format(len(listed)))
    texts = await _rewrite(runner, about, first) if found else (first,) * VARIANTS

    rated = {**about, "detected": [rank + 1 for rank in found], "candidates": number_texts(texts)}
    review = await runner.ask(Role.CRITIC, "paper/rate", rated, PROSE)
    numbers = await runner.ask(Role.PARSE, "paper/parse", {"review": review}, ratings_format(len(texts)))
    chosen = select_best(texts, numbers)
    if chosen is None or chosen.mean < threshold:
        raise Declined(Reason.RATED_LOW, chosen and chosen.mean)

    merged = {"subjects": about["subjects"], "versions": list(chosen.texts)}
    text = await runner.ask(Role.COMPOSER, "paper/compose", merged, PROSE)
    leaked = [listed[rank] for rank in found]
    if await runner.find_leaks(text, leaked):
        raise Declined(Reason.LEAKED_AGAIN)
    return AgentsResult(
        text=text,
        reason=Reason.COMPOSED,
        score=chosen.mean,
        leaked=tuple(subject.id for subject in leaked),
        items=runner.ledger.items,
    )


async def _rewrite(runner: CallRunner, about: dict[str, Data], first: str) -> tuple[str, ...]:
    data = {**about, "answer": first}
    return await runner.ask(Role.REWRITE, "paper/rewrite", data, rewrites_format(VARIANTS), DIVERSE_TEMPERATURE)
