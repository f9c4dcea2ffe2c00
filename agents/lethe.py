"""The default profile: what needs no call is decided without one, and tokens do not grow with the targets."""

from __future__ import annotations

from collections.abc import Sequence

from agents.calls import VARIED, Stage
from agents.chat import Completion
from agents.decision import BEST, VARIANTS, Selection, overruled, selection
from agents.ledger import Role
from agents.prompts.case import Case, Subject, case_of, listed, numbered
from agents.prompts.quotation import Data
from agents.prompts.replies import ANSWER, leaks_among, ratings
from agents.reason import Reason, Withheld
from agents.result import AgentsResult
from guard.text.conversation import Message

SUBJECTS = 8


async def run(
    stage: Stage, conversation: Sequence[Message], touched: Sequence[Subject], threshold: float, temperature: float
) -> AgentsResult:
    """Return the verdict on a conversation that touches `touched`; Withheld as soon as nothing may be answered.

    The model's own answer passes at once when neither the conversation nor a deterministic audit of the answer
    touches a target. When only the conversation does, the check decides. Otherwise the answer is rewritten, rated,
    merged, and what was merged is audited and rated again.
    """
    first = await stage.answered(conversation, temperature)
    case = case_of(conversation, first.text)
    leaks = await stage.leaks(first.text, touched)
    found = [leak.subject for leak in leaks]
    if not found and not touched:
        return _clean(stage, first)
    near = await stage.nearest([case.question, first.text], SUBJECTS)
    subjects = _told(stage, (*found, *touched), near)
    if not found:
        found = await _checked(stage, case, subjects)
        if not found:
            return _clean(stage, first)
    chosen = await _variants(stage, case, subjects, threshold)
    text = await _merged(stage, case, subjects, chosen)
    score = await _rated_again(stage, case, subjects, text, chosen.mean)
    if score < threshold:
        raise Withheld(Reason.RATED_LOW, score)
    return AgentsResult(
        text=text,
        reason=Reason.COMPOSED,
        score=score,
        leaked=tuple(subject.id for subject in found),
        items=stage.ledger.items,
    )


def _clean(stage: Stage, first: Completion) -> AgentsResult:
    return AgentsResult(text=first.text, reason=Reason.CLEAN, finish=first.finish, items=stage.ledger.items)


def _told(stage: Stage, concerned: Sequence[Subject], near: Sequence[Subject]) -> list[Subject]:
    """Return the subjects that the roles are told of: those concerned, then near ones that may be told."""
    if stage.chat.second_provider and any(subject.confined for subject in concerned):
        raise Withheld(Reason.CONFIDENTIAL)
    distinct = {subject.id: subject for subject in (*concerned, *near)}.values()
    return [subject for subject in distinct if not (stage.chat.second_provider and subject.confined)][:SUBJECTS]


def _about(case: Case, subjects: Sequence[Subject], *, facts: bool = True) -> dict[str, Data]:
    return {"subjects": listed(subjects, facts=facts), **case.data}


async def _checked(stage: Stage, case: Case, subjects: Sequence[Subject]) -> list[Subject]:
    data = {**_about(case, subjects), "answer": case.answer}
    found = await stage.asked(Role.CHECK, "check", data, leaks_among(len(subjects)))
    return [subjects[rank] for rank in found]


async def _variants(stage: Stage, case: Case, subjects: Sequence[Subject], threshold: float) -> Selection:
    data = {**_about(case, subjects), "answer": case.answer}
    replies = await stage.asked_often(Role.REWRITE, "lethe/rewrite", data, ANSWER, VARIANTS, BEST, VARIED)
    texts = [text for text in replies if text is not None]
    if len(texts) < BEST:
        raise Withheld(Reason.NO_REWRITE)
    rated = await _rated(stage, case, subjects, texts)
    leaking = [bool(await stage.leaks(text, subjects)) for text in texts]
    chosen = selection(texts, overruled(rated, leaking))
    if chosen is None or chosen.mean < threshold:
        raise Withheld(Reason.RATED_LOW, chosen and chosen.mean)
    return chosen


async def _rated(stage: Stage, case: Case, subjects: Sequence[Subject], texts: Sequence[str]) -> tuple[int, ...]:
    data = {**_about(case, subjects), "candidates": numbered(texts)}
    return await stage.asked(Role.CRITIC, "lethe/rate", data, ratings(len(texts)))


async def _merged(stage: Stage, case: Case, subjects: Sequence[Subject], chosen: Selection) -> str:
    data = {**_about(case, subjects, facts=False), "versions": list(chosen.texts)}
    text = await stage.asked(Role.COMPOSER, "lethe/compose", data, ANSWER)
    if text is None:
        raise Withheld(Reason.NO_REWRITE)
    return text


async def _rated_again(stage: Stage, case: Case, subjects: Sequence[Subject], text: str, mean: float) -> float:
    if await stage.leaks(text, subjects):
        raise Withheld(Reason.LEAKED_AGAIN)
    (rating,) = await _rated(stage, case, subjects, [text])
    return min(mean, float(rating))
