"""Elicitation over HTTP: ask the served model what it says of a target, and accept what it said."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from guard.targets.elicitation import Change, Elicitation, Proposal, ProposalKind, is_accepted
from guard.targets.target import Draft
from serving.admin.auth import CallerOf
from serving.admin.problems import documented
from serving.admin.requests import NO_BOOLEAN
from serving.admin.responses import TargetOut, masked
from serving.admin.service import AdminService, Service
from serving.admin.targets import ETAG, ONE, Reveal, Timeout, Wait, active, identify, settle, shown
from serving.elicitation.asking import Options
from serving.elicitation.service import Job, JobState, NotElicited

ELICITATION = f"{ONE}/elicitation"
MAX_SAMPLES, MAX_ROUNDS, MAX_CONCURRENCY = 16, 4, 64

router = APIRouter(tags=["elicitation"])


class ElicitIn(BaseModel):
    """How much to ask."""

    model_config = ConfigDict(extra="forbid")

    samples: Annotated[int, NO_BOOLEAN] = Field(
        Options().samples, ge=0, le=MAX_SAMPLES, description="Answers at each temperature, besides the likeliest."
    )
    languages: list[Literal["en", "de", "fr", "es", "zh"]] = Field(
        ["en", "de", "fr", "es", "zh"], min_length=1, max_length=5, description="Languages to ask in."
    )
    rounds: Annotated[int, NO_BOOLEAN] = Field(
        Options().rounds, ge=0, le=MAX_ROUNDS, description="How often to ask about what was found before."
    )
    beginnings: bool = Field(
        Options().beginnings,
        strict=True,
        description="Also ask in words that the model begins questions with itself: some 1,700 answers, once a "
        "kind of target. Without them it takes a fraction of the time, and finds less.",
    )
    concurrency: Annotated[int, NO_BOOLEAN] = Field(
        Options().concurrency,
        ge=1,
        le=MAX_CONCURRENCY,
        description="Requests at a time: more take less time, and clients are answered more slowly meanwhile.",
    )

    def options(self) -> Options:
        """Return the options of the elicitation."""
        return Options(
            samples=self.samples,
            languages=tuple(dict.fromkeys(self.languages)),
            rounds=self.rounds,
            beginnings=self.beginnings,
            concurrency=self.concurrency,
        )


class AcceptIn(BaseModel):
    """What to accept."""

    model_config = ConfigDict(extra="forbid")

    proposals: Literal["all"] | Annotated[list[str], Field(min_length=1, max_length=4096)] = Field(
        description="Ids of proposals, or `all`; those with the change `gone` are left out."
    )


class ProposalOut(BaseModel):
    """Something that the model says of the target."""

    id: str
    kind: ProposalKind
    text: str
    question: str = Field(description="What a fact answers; empty for other kinds.")
    times: int = Field(description="How many answers said it.")
    styles: list[str] = Field(description="Styles of the forms that it was said in.")
    languages: list[str]
    change: Change = Field(description="Whether the last elicitation found it too; `gone`: only that one did.")
    accepted: bool = Field(description="Whether the target has it.")


class ElicitationOut(BaseModel):
    """The elicitation of a target, and what the last one that was done found."""

    target_id: str
    state: JobState
    share: float = Field(description="Progress from 0 to 1.")
    code: str | None = Field(description="Error code of a failed elicitation.")
    detail: str | None = Field(description="Why it failed or was lost.")
    model: str | None = Field(description="The model that said what is proposed.")
    at: datetime | None
    answers: int = Field(description="How many answers were read.")
    proposals: list[ProposalOut]


@router.post(f"{ONE}:elicit", status_code=202, responses=documented(400, 404, 409, 413, 415))
async def elicit(
    service: Service,
    caller: CallerOf,
    target_id: str,
    response: Response,
    body: ElicitIn | None = None,
    accept: Annotated[Literal["all"] | None, Query(description="Accept all that is found.")] = None,
    reveal: Reveal = False,
) -> ElicitationOut:
    """Ask the served model, unrestricted, what it says of an active target; one that runs already goes on."""
    target = await active(service, target_id)
    if accept:
        await run_sync(service.changes.require, caller, [target.draft])
    options = (body or ElicitIn()).options()
    change = partial(service.changes.change, caller)
    job = service.elicitations.start(target, options, accept=accept == "all", change=change)
    response.headers["Location"] = ELICITATION.format(target_id=target_id)
    return await _elicitation(service, target.draft, job, target_id, reveal)


@router.get(ELICITATION, responses=documented(404))
async def elicitation(service: Service, target_id: str, reveal: Reveal = False) -> ElicitationOut:
    """Read how far the elicitation of a target is, and what the last one found."""
    target = await active(service, target_id)
    job = await run_sync(service.elicitations.job, target_id)
    return await _elicitation(service, target.draft, job, target_id, reveal)


@router.post(f"{ELICITATION}:cancel", status_code=204, responses=documented(404))
async def cancel(service: Service, target_id: str) -> None:
    """Cancel the elicitation of a target if it runs; what an earlier one found stays."""
    await active(service, target_id)
    service.elicitations.cancel(target_id)


@router.post(
    f"{ELICITATION}:accept",
    responses={200: {"headers": ETAG}, **documented(400, 404, 409, 412, 413, 415, 504)},
)
async def accept(
    service: Service,
    caller: CallerOf,
    target_id: str,
    body: AcceptIn,
    response: Response,
    reveal: Reveal = False,
    wait: Wait = None,
    timeout: Timeout = 60,
) -> TargetOut:
    """Add proposals to the facts, aliases and phrases of a target."""
    ids = None if body.proposals == "all" else body.proposals
    await run_sync(service.changes.require, caller, [(await active(service, target_id)).draft])
    change = partial(service.changes.change, caller)
    target = await run_sync(service.elicitations.accept, target_id, ids, change)
    await settle(service, wait, timeout, target)
    identify(response, target)
    return await shown(service, target, reveal)


async def _elicitation(
    service: AdminService, draft: Draft, job: Job | None, target_id: str, reveal: bool
) -> ElicitationOut:
    found = await run_sync(service.registry.elicitations.get, target_id)
    if job is None and found is None:
        raise NotElicited("this target was not elicited")
    job = job or Job(target_id, JobState.DONE, 1.0)
    return ElicitationOut(
        target_id=target_id,
        state=job.state,
        share=job.share,
        code=job.code or None,
        detail=job.detail or None,
        **_found(found, draft, reveal),
    )


def _found(found: Elicitation | None, draft: Draft, reveal: bool) -> dict[str, object]:
    if found is None:
        return {"model": None, "at": None, "answers": 0, "proposals": []}
    proposals = [_proposal(one, draft, reveal) for one in found.proposals]
    return {"model": found.model, "at": found.at, "answers": found.answers, "proposals": proposals}


def _proposal(one: Proposal, draft: Draft, reveal: bool) -> ProposalOut:
    show = str if reveal else masked
    return ProposalOut(
        id=one.id,
        kind=one.kind,
        text=show(one.text),
        question=show(one.question),
        times=one.times,
        styles=list(one.styles),
        languages=list(one.languages),
        change=one.change,
        accepted=is_accepted(one, draft),
    )
