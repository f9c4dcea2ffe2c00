"""The default profile: few calls, and prompts whose length does not grow with the number of targets."""

from __future__ import annotations

from collections.abc import Sequence

from agents.calls import DIVERSE_TEMPERATURE, CallRunner
from agents.chat import Completion
from agents.decision import BEST, VARIANTS, Selection, overrule_ratings, select_best
from agents.ledger import Role
from agents.prompts.exchange import Exchange, TargetSummary, exchange_of, list_subjects, number_texts
from agents.prompts.quotation import Data
from agents.prompts.replies import ANSWER, leaks_format, ratings_format
from agents.reason import Declined, Reason
from agents.result import AgentsResult
from guard.text.conversation import Message

MAX_SUBJECTS = 8


async def run(
    runner: CallRunner,
    conversation: Sequence[Message],
    touched: Sequence[TargetSummary],
    threshold: float,
    temperature: float,
) -> AgentsResult:
    """Answer a conversation that touches the targets `touched`; raise Declined if nothing may be answered.

    The model's own answer passes if neither the conversation nor (by the deterministic audit) the answer touches
    a target. If only the conversation does, the check decides. Otherwise the answer is rewritten in variants,
    which are rated and merged; the merged answer is audited and rated once more.
    """
    first = await runner.answer(conversation, temperature)
    exchange = exchange_of(conversation, first.text)
    leaks = await runner.find_leaks(first.text, touched)
    found = [leak.subject for leak in leaks]
    if not found and not touched:
        return _clean(runner, first)
    near = await runner.find_nearest([exchange.question, first.text], MAX_SUBJECTS)
    subjects = _choose_subjects(runner, (*found, *touched), near)
    if not found:
        found = await _check(runner, exchange, subjects)
        if not found:
            return _clean(runner, first)
    chosen = await _rewrite(runner, exchange, subjects, threshold)
    text = await _merge(runner, exchange, subjects, chosen)
    score = await _rate_again(runner, exchange, subjects, text, chosen.mean)
    if score < threshold:
        raise Declined(Reason.RATED_LOW, score)
    return AgentsResult(
        text=text,
        reason=Reason.COMPOSED,
        score=score,
        leaked=tuple(subject.id for subject in found),
        items=runner.ledger.items,
    )


def _clean(runner: CallRunner, first: Completion) -> AgentsResult:
    return AgentsResult(text=first.text, reason=Reason.CLEAN, finish=first.finish, items=runner.ledger.items)


def _choose_subjects(
    runner: CallRunner, concerned: Sequence[TargetSummary], near: Sequence[TargetSummary]
) -> list[TargetSummary]:
    """Return the targets for the prompts: those concerned, then near ones unless they are confined."""
    if runner.chat.second_provider and any(subject.confined for subject in concerned):
        raise Declined(Reason.CONFIDENTIAL)
    distinct = {subject.id: subject for subject in (*concerned, *near)}.values()
    return [subject for subject in distinct if not (runner.chat.second_provider and subject.confined)][
        :MAX_SUBJECTS
    ]


def _about(exchange: Exchange, subjects: Sequence[TargetSummary], *, facts: bool = True) -> dict[str, Data]:
    return {"subjects": list_subjects(subjects, facts=facts), **exchange.data}


async def _check(runner: CallRunner, exchange: Exchange, subjects: Sequence[TargetSummary]) -> list[TargetSummary]:
    data = {**_about(exchange, subjects), "answer": exchange.answer}
    found = await runner.ask(Role.CHECK, "check", data, leaks_format(len(subjects)))
    return [subjects[rank] for rank in found]


async def _rewrite(
    runner: CallRunner, exchange: Exchange, subjects: Sequence[TargetSummary], threshold: float
) -> Selection:
    data = {**_about(exchange, subjects), "answer": exchange.answer}
    replies = await runner.ask_many(
        Role.REWRITE, "lethe/rewrite", data, ANSWER, VARIANTS, BEST, DIVERSE_TEMPERATURE
    )
    texts = [text for text in replies if text is not None]
    if len(texts) < BEST:
        raise Declined(Reason.NO_REWRITE)
    rated = await _rate(runner, exchange, subjects, texts)
    leaking = [bool(await runner.find_leaks(text, subjects)) for text in texts]
    chosen = select_best(texts, overrule_ratings(rated, leaking))
    if chosen is None or chosen.mean < threshold:
        raise Declined(Reason.RATED_LOW, chosen and chosen.mean)
    return chosen


async def _rate(
    runner: CallRunner, exchange: Exchange, subjects: Sequence[TargetSummary], texts: Sequence[str]
) -> tuple[int, ...]:
    data = {**_about(exchange, subjects), "candidates": number_texts(texts)}
    return await runner.ask(Role.CRITIC, "lethe/rate", data, ratings_format(len(texts)))


async def _merge(
    runner: CallRunner, exchange: Exchange, subjects: Sequence[TargetSummary], chosen: Selection
) -> str:
    data = {**_about(exchange, subjects, facts=False), "versions": list(chosen.texts)}
    text = await runner.ask(Role.COMPOSER, "lethe/compose", data, ANSWER)
    if text is None:
        raise Declined(Reason.NO_REWRITE)
    return text


async def _rate_again(
    runner: CallRunner, exchange: Exchange, subjects: Sequence[TargetSummary], text: str, mean: float
) -> float:
    if await runner.find_leaks(text, subjects):
        raise Declined(Reason.LEAKED_AGAIN)
    (rating,) = await _rate(runner, exchange, subjects, [text])
    return min(mean, float(rating))
