"""A trial over HTTP: what a prompt is answered with and without the policy."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from guard.errors import NothingProposed, UnknownTarget
from guard.policy.plan import Plan
from guard.registry.registry import Registry
from serving.admin.approval.routes import ProposedOf, found_proposed, target_proposed
from serving.admin.check_response import CheckResponse, check_response
from serving.admin.problems import documented
from serving.admin.service import Service
from serving.trial.asking import MAX_TOKENS
from serving.trial.proposed import tried as tried_proposed
from serving.trial.trials import Answer

PATH = "/admin/v1/try"
MAX_PROMPT_CHARS = 20_000
LONGEST_TOKENS = 2_048

router = APIRouter(tags=["policy"])


class TrialIn(BaseModel):
    """A prompt to try, as a client would send it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)]
    max_tokens: int = Field(MAX_TOKENS, ge=1, le=LONGEST_TOKENS, description="Longest answer, in tokens.")
    proposed: str | None = Field(None, description="Id of a target: what is proposed of it is tried as well.")


class AnswerOut(BaseModel):
    """An answer, or why there is none."""

    text: str | None
    code: str | None = Field(description="Error code where there is no answer.")
    detail: str | None


class ProposedTrialOut(BaseModel):
    """The phrases of a proposed target that stand in the prompt, and those that the stock answer says."""

    target_id: str
    revision: int
    in_prompt: list[str]
    in_stock: list[str]


class TrialOut(BaseModel):
    """What is done with a prompt, and the likeliest answers without and with the policy."""

    check: CheckResponse
    stock: AnswerOut = Field(description="What the model says as if there were no target.")
    guarded: AnswerOut = Field(description="What a client is answered.")
    proposed: ProposedTrialOut | None = Field(description="What the proposed target would forbid of it.")


@router.post(PATH, responses=documented(400, 404, 409, 413, 415))
async def try_(service: Service, body: TrialIn) -> TrialOut:
    """Show what a prompt is answered without and with the policy, and why. It tells what must be forgotten.

    Neither prompt nor answers are stored. The targets that it touches are noted in the audit trail as revealed.
    """
    of = await found_proposed(service, body.proposed) if body.proposed else None
    tried = await service.trials.run(body.text, body.max_tokens)
    await run_sync(note_told, service.registry, tried.plan)
    return TrialOut(
        check=check_response(tried.plan),
        stock=_answer_of(tried.stock),
        guarded=_answer_of(tried.guarded),
        proposed=await run_sync(_proposed, service.registry, of, body.text, tried.stock.text) if of else None,
    )


def _proposed(registry: Registry, of: ProposedOf, prompt: str, stock: str) -> ProposedTrialOut:
    meant = target_proposed(*of)
    if meant is None:
        raise NothingProposed("no target is proposed that could be tried")
    registry.note_revealed([of.target.id])
    found = tried_proposed(meant, prompt, stock)
    return ProposedTrialOut(
        target_id=of.target.id,
        revision=of.change.revision,
        in_prompt=list(found.in_prompt),
        in_stock=list(found.in_stock),
    )


def note_told(registry: Registry, plan: Plan, known: frozenset[str] = frozenset()) -> None:
    """Note that a stock answer may have told of the targets that its prompt touched, but for those `known`."""
    for match in plan.matches:
        if match.target_id not in known:
            try:
                registry.note_revealed([match.target_id])
            except UnknownTarget:
                # Erased meanwhile.
                continue


def _answer_of(answer: Answer) -> AnswerOut:
    if answer.code:
        return AnswerOut(text=None, code=answer.code, detail=answer.detail)
    return AnswerOut(text=answer.text, code=None, detail=None)
