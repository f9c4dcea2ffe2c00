"""What the served model says of a target: asked for, watched while it runs, and accepted."""

from __future__ import annotations

from functools import partial

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.targets.elicitation import Change, is_accepted
from serving.admin.responses import masked
from serving.admin.targets import active
from serving.desk.context import caller_of, desk_of, form_of, session_of
from serving.desk.gate import is_polled
from serving.desk.pages.target import place_of
from serving.desk.rendering import render
from serving.elicitation.asking import Options


async def elicitation(request: Request) -> Response:
    """Show how far the elicitation of a target is, which refreshes by itself, and what the last one found."""
    service, id = desk_of(request).service, request.path_params["id"]
    target = await active(service, id)
    job = await run_sync(service.elicitations.job, id)
    if is_polled(request) and not (job and job.open):
        # It has just ended: what it found is shown by the whole page.
        return Response(headers={"HX-Refresh": "true"})
    found = await run_sync(service.registry.elicitations.get, id)
    revealed = id in session_of(request).revealed
    proposals = found.proposals if found else ()
    return render(
        request,
        "elicitation",
        id=id,
        place=place_of(id),
        revealed=revealed,
        may_change=await run_sync(service.changes.may_change, caller_of(request), target.draft),
        name=target.draft.name if revealed else masked(target.draft.name),
        job=job,
        found=found,
        open=[one for one in proposals if one.change is not Change.GONE and not is_accepted(one, target.draft)],
        accepted=sum(is_accepted(one, target.draft) for one in proposals),
    )


async def start(request: Request) -> Response:
    """Ask the model about a target; nothing is accepted by itself."""
    service, id = desk_of(request).service, request.path_params["id"]
    service.elicitations.start(await active(service, id), Options(), accept=False)
    return _back(id)


async def cancel(request: Request) -> Response:
    """Cancel the elicitation of a target if it runs."""
    service, id = desk_of(request).service, request.path_params["id"]
    service.elicitations.cancel((await active(service, id)).id)
    return _back(id)


async def accept(request: Request) -> Response:
    """Add the chosen proposals to the target; their texts must have been revealed."""
    service, id = desk_of(request).service, request.path_params["id"]
    chosen = [str(proposal) for proposal in form_of(request).getlist("chosen")]
    if chosen and id in session_of(request).revealed:
        caller = caller_of(request)
        await run_sync(service.changes.require, caller, [(await active(service, id)).draft])
        await run_sync(service.elicitations.accept, id, chosen, partial(service.changes.change, caller))
        service.applier.notify()
    return _back(id)


def _back(id: str) -> Response:
    return RedirectResponse(f"{place_of(id)}/elicitation", 303)
