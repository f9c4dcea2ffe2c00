"""One target: what is known of it, what it forbids and why, and a prompt to try it with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.errors import UnknownTarget
from guard.registry.approval.proposed import MAX_REASON_CHARS, ProposedChange
from guard.registry.outside.cases import CaseState
from guard.registry.registry import Registry
from guard.targets.target import ForgetTarget, State
from serving.access.rights import Caller, Right
from serving.admin.approval.routes import difference_of, differences_of, target_proposed
from serving.admin.canary.routes import canary_of, promoted
from serving.admin.check_response import CheckResponse, check_response
from serving.admin.responses import preview_of, target_of
from serving.admin.service import AdminService
from serving.admin.targets import match, undecided
from serving.admin.trial import note_told
from serving.approval.bodies import DifferenceOut
from serving.desk.context import caller_of, desk_of, form_of, session_of
from serving.desk.gate import is_polled, own_place
from serving.desk.pages.targets import LIST, note_revealed
from serving.desk.rendering import render
from serving.trial.proposed import ProposedTrial
from serving.trial.proposed import tried as tried_proposed
from serving.trial.trials import Answer

RECENT_VERDICTS = 10


class Tried(NamedTuple):
    """What is done with a prompt, and what the model says without the policy and with it."""

    prompt: str
    check: CheckResponse
    stock: Answer
    guarded: Answer
    proposed: ProposedTrial | None = None


class Proposed(NamedTuple):
    """How what is proposed differs from what is in force, and what the person who looks may do about it."""

    differences: list[DifferenceOut]
    may_approve: bool
    may_reject: bool
    is_own: bool


class CaseRow(NamedTuple):
    """The case of a target: its state, and until when it must be answered."""

    state: CaseState
    due_at: datetime


def place_of(id: str) -> str:
    """Return the path of the page of a target."""
    return f"{LIST}/{id}"


async def target(request: Request) -> Response:
    """Show a target; of one that has ended, what remains of it."""
    return await _page(request, None)


async def reveal(request: Request) -> Response:
    """Show its texts for the rest of the session, and note that in the audit trail."""
    id = request.path_params["id"]
    await note_revealed(request, [id])
    return RedirectResponse(own_place(form_of(request).get("back", place_of(id))), 303)


async def revoke(request: Request) -> Response:
    """Revoke a target at the revision that the page showed."""
    service, id = desk_of(request).service, request.path_params["id"]
    current = await undecided(service, id)
    match(f'"{_revision(request)}"', current.revision)
    await run_sync(lambda: service.changes.revoke(caller_of(request), current, is_exact=True))
    service.applier.notify()
    return RedirectResponse(place_of(id), 303)


async def promote(request: Request) -> Response:
    """Enforce a target in shadow for all conversations, or propose that, at the revision that the page showed."""
    service, id = desk_of(request).service, request.path_params["id"]
    current = await undecided(service, id)
    match(f'"{_revision(request)}"', current.revision)
    await run_sync(service.changes.change, caller_of(request), current, promoted(current))
    service.applier.notify()
    return RedirectResponse(place_of(id), 303)


async def approve(request: Request) -> Response:
    """Bring what is proposed into force, at the revision that the page showed."""
    service, id = desk_of(request).service, request.path_params["id"]
    await run_sync(service.changes.approve, caller_of(request), id, _revision(request))
    service.applier.notify()
    return RedirectResponse(place_of(id), 303)


async def reject(request: Request) -> Response:
    """Decide that what is proposed, at the revision that the page showed, does not come into force."""
    service, id = desk_of(request).service, request.path_params["id"]
    reason = str(form_of(request).get("reason", ""))[:MAX_REASON_CHARS]
    await run_sync(service.changes.reject, caller_of(request), id, _revision(request), reason)
    service.applier.notify()
    return RedirectResponse(place_of(id), 303)


async def try_it(request: Request) -> Response:
    """Show what is done with a prompt, and what is answered without the policy and with it. Nothing is stored.

    The stock answer tells what is known of the targets that the prompt touches: they are noted as revealed.
    """
    prompt = str(form_of(request).get("prompt", ""))
    service = desk_of(request).service
    tried = await service.trials.run(prompt)
    await run_sync(note_told, service.registry, tried.plan, frozenset(session_of(request).revealed))
    id = request.path_params["id"]
    proposed = await run_sync(_tried_proposed, service.registry, id, prompt, tried.stock.text)
    if proposed and id not in session_of(request).revealed:
        # What it would forbid is shown, and no plan knows a target that is not in force.
        await run_sync(service.registry.note_revealed, [id])
    return await _page(request, Tried(prompt, check_response(tried.plan), tried.stock, tried.guarded, proposed))


async def _page(request: Request, tried: Tried | None) -> Response:
    service, id = desk_of(request).service, request.path_params["id"]
    found = await run_sync(service.registry.get, id)
    revealed = id in session_of(request).revealed
    is_active = found.state in (State.ACTIVE, State.PROPOSED)
    change = await run_sync(service.registry.approvals.change, id)
    # A page that asks whether its revision is in force by now shows nothing else of the answer.
    reviewed = is_active and not is_polled(request)
    review = await run_sync(preview_of, found, revealed, service.context()) if reviewed else None
    verdicts = await run_sync(service.verdicts.page, None, RECENT_VERDICTS, None, id)
    return render(
        request,
        "target",
        target=target_of(found, revealed, change),
        proposed=await run_sync(_proposed, found, change, revealed, caller_of(request)) if change else None,
        revealed=revealed,
        active=is_active,
        may_change=await run_sync(service.changes.may_change, caller_of(request), found.draft),
        in_force=_in_force(service, found),
        review=review,
        tried=tried,
        verdicts=verdicts.items,
        canary=canary_of(found, await run_sync(service.verdicts.canary_sides, id)),
        case=await run_sync(_case_of, service.registry, id),
    )


def _case_of(registry: Registry, id: str) -> CaseRow | None:
    try:
        case = registry.cases.get(id)
    except UnknownTarget:
        return None
    return CaseRow(case.state(datetime.now(UTC)), case.due_at)


def _proposed(found: ForgetTarget, change: ProposedChange, revealed: bool, caller: Caller) -> Proposed:
    is_own = change.proposer.identity == caller.person.identity
    different = differences_of(found, target_proposed(found, change))
    return Proposed(
        differences=[difference_of(one, revealed) for one in different],
        may_approve=change.is_open and caller.may(Right.ENFORCE) and not is_own,
        may_reject=change.is_open and (caller.may(Right.ENFORCE) or (is_own and caller.may(Right.EDIT))),
        is_own=is_own,
    )


def _tried_proposed(registry: Registry, id: str, prompt: str, stock: str) -> ProposedTrial | None:
    change = registry.approvals.change(id)
    meant = target_proposed(registry.get(id), change) if change else None
    return tried_proposed(meant, prompt, stock) if meant else None


def _revision(request: Request) -> int:
    revision = str(form_of(request).get("revision"))
    return int(revision) if revision.isdecimal() else 0


def _in_force(service: AdminService, found: ForgetTarget) -> bool:
    policy = service.current.policy
    return policy is not None and policy.has(found.id, found.revision)
