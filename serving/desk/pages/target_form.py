"""Adding a target and changing one, each with a preview of what it will forbid before it is enforced."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.errors import AlreadyProposed, DuplicateTarget, InvalidTarget, StaleRevision
from guard.patterns.pattern import PatternKind
from guard.registry.drafts import new_target
from guard.targets.target import Decoder, Draft, ForgetTarget, Kind, Method, Mode, Scope, Supplied
from guard.variants.variant import Variants
from serving.access.rights import NeedsApprover
from serving.admin.requests import TargetIn, TargetPatch
from serving.admin.responses import Preview, preview_of
from serving.admin.targets import undecided
from serving.desk.context import caller_of, desk_of, form_of, session_of
from serving.desk.pages.fields import SPARE_ROWS, Fields, differing, faults_of, fields_of, fields_sent, members_of
from serving.desk.pages.target import place_of
from serving.desk.pages.targets import LIST
from serving.desk.rendering import render

MORE_ROWS = 8
CHOICES = {
    "kind": [*Kind],
    "mode": [*Mode],
    "scope": [*Scope],
    "variants": [*Variants],
    "decoder": [*Decoder],
    "supplied": ["", *Supplied],
    "methods": [*Method],
    "patterns": [*PatternKind],
}


async def blank(request: Request) -> Response:
    """Show the empty form."""
    return _form(request, fields_of(Draft(name="")))


async def add(request: Request) -> Response:
    """Store a new target, or show what it would forbid."""
    sent, service = fields_sent(form_of(request)), desk_of(request).service
    if "more" in form_of(request):
        return _form(request, sent, rows=MORE_ROWS)
    try:
        draft = TargetIn.model_validate(members_of(sent)).draft()
        if "preview" in form_of(request):
            target = await run_sync(service.registry.preview, draft)
            return _form(request, sent, preview=await run_sync(preview_of, target, True, service.context()))
        target = await run_sync(service.changes.add_one, caller_of(request), draft)
    except (ValidationError, InvalidTarget, DuplicateTarget, NeedsApprover) as error:
        return _form(request, sent, 422, faults=faults_of(error))
    # Who has written the texts need not ask to see them.
    session_of(request).revealed.add(target.id)
    service.applier.notify()
    return RedirectResponse(place_of(target.id), 303)


async def edit(request: Request) -> Response:
    """Show the form of a target whose texts this session has revealed."""
    target = await undecided(desk_of(request).service, request.path_params["id"])
    if target.id not in session_of(request).revealed:
        return RedirectResponse(place_of(target.id), 303)
    return _form(request, fields_of(target.draft), target=target)


async def change(request: Request) -> Response:
    """Store the changed fields of a target, or show what it would forbid.

    Where it was changed meanwhile, the form stays as it was filled in and shows what is stored now.
    """
    form, service = form_of(request), desk_of(request).service
    target, sent = await undecided(service, request.path_params["id"]), fields_sent(form_of(request))
    if target.id not in session_of(request).revealed:
        return RedirectResponse(place_of(target.id), 303)
    shown = fields_of(target.draft)
    if str(form.get("revision")) != str(target.revision):
        return _form(request, sent, 412, target=target, stored=differing(sent, shown))
    if "more" in form:
        return _form(request, sent, target=target, rows=MORE_ROWS)
    try:
        draft = TargetPatch.model_validate(members_of(sent, shown)).merged(target.draft)
        if "preview" in form:
            meant = await run_sync(new_target, draft)
            preview = await run_sync(preview_of, meant, True, service.context())
            return _form(request, sent, target=target, preview=preview)
        await run_sync(service.changes.change, caller_of(request), target, draft)
    except (ValidationError, InvalidTarget, DuplicateTarget, NeedsApprover, AlreadyProposed) as error:
        return _form(request, sent, 422, target=target, faults=faults_of(error))
    except StaleRevision:
        target = await undecided(service, target.id)
        return _form(request, sent, 412, target=target, stored=differing(sent, fields_of(target.draft)))
    service.applier.notify()
    return RedirectResponse(place_of(target.id), 303)


def _form(
    request: Request,
    fields: Fields,
    status: int = 200,
    *,
    target: ForgetTarget | None = None,
    preview: Preview | None = None,
    rows: int = SPARE_ROWS,
    **values: Any,
) -> Response:
    return render(
        request,
        "target_form",
        status,
        fields=fields,
        target=target,
        review=preview,
        facts=[*fields.facts, *[("", "")] * rows],
        passages=[*fields.passages, *[""] * rows],
        choices=CHOICES,
        action=f"{place_of(target.id)}/edit" if target else f"{LIST}/add",
        **{"faults": [], "stored": None, **values},
    )
