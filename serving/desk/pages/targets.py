"""The list of targets: search, filters, pages, and what is done with several at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guard.errors import AlreadyProposed, NothingProposed, StaleRevision, UnknownTarget
from guard.registry.search import TargetSearch
from guard.targets.target import ForgetTarget, Kind, Mode, State
from serving.access.rights import Caller, NeedsApprover, Right
from serving.admin.responses import masked
from serving.approval.changes import TargetChanges
from serving.desk.context import caller_of, desk_of, form_of, session_of
from serving.desk.gate import own_place
from serving.desk.rendering import HOME, render, text

PAGE_ROWS = 50
LIST = f"{HOME}/targets"
ALL = "all"

_Choice = TypeVar("_Choice", bound=StrEnum)


class Row(NamedTuple):
    """A target in the list; `name` is masked unless the session has revealed it, `waits`: a change is open."""

    id: str
    name: str
    target: ForgetTarget
    waits: bool = False


class Revoked(NamedTuple):
    """How many of the chosen targets have ended, are proposed to end, and stay as they are."""

    revoked: int
    proposed: int
    left: int


async def targets(request: Request) -> Response:
    """Show one page of the targets that are asked for; by default the active ones."""
    query = request.query_params
    search = TargetSearch(
        state=choice(State, query.get("state", State.ACTIVE)),
        kind=choice(Kind, query.get("kind")),
        mode=choice(Mode, query.get("mode")),
        # What is found by a part of a name tells the name.
        name=query.get("q", "").strip() if caller_of(request).may(Right.REVEAL) else "",
    )
    session, registry = session_of(request), desk_of(request).service.registry
    found = await run_sync(registry.find, search, query.get("after") or None, PAGE_ROWS)
    changes = await run_sync(registry.approvals.changes, [target.id for target in found.items])
    waiting = {id for id, change in changes.items() if change.is_open}
    asked = {name: value for name, value in query.items() if name != "after" and value}
    said, session.said = session.said, ""
    return render(
        request,
        "targets",
        said=said,
        rows=[_row(target, session.revealed)._replace(waits=target.id in waiting) for target in found.items],
        hidden=any(target.id not in session.revealed for target in found.items),
        filtered=bool(asked.keys() - {"state"}),
        any=bool(found.items) or any((await run_sync(registry.counts)).values()),
        query={"q": "", "kind": "", "mode": "", "state": State.ACTIVE, **asked},
        next=f"{LIST}?{urlencode({**asked, 'after': found.next})}" if found.next else "",
        first=f"{LIST}?{urlencode(asked)}" if query.get("after") else "",
        back=f"{LIST}?{request.url.query}" if request.url.query else LIST,
        kinds=[*Kind],
        modes=[*Mode],
        states=[*State, ALL],
    )


async def reveal(request: Request) -> Response:
    """Show the texts of these targets for the rest of the session, and note that in the audit trail."""
    form = form_of(request)
    await note_revealed(request, [str(id) for id in form.getlist("shown")])
    return RedirectResponse(own_place(form.get("back")), 303)


async def revoke(request: Request) -> Response:
    """Revoke the chosen targets, after a page that asks for confirmation."""
    form = form_of(request)
    ids = [str(id) for id in dict.fromkeys(form.getlist("chosen"))][:PAGE_ROWS]
    back = own_place(form.get("back"))
    if not ids:
        session_of(request).said = text("targets.choose_first")
        return RedirectResponse(back, 303)
    service, revealed = desk_of(request).service, session_of(request).revealed
    if "confirmed" in form:
        done = await run_sync(_revoke, service.changes, ids, caller_of(request))
        session_of(request).said = " ".join(_said(done))
        service.applier.notify()
        return RedirectResponse(back, 303)
    found = await run_sync(lambda: [service.registry.get(id) for id in ids])
    rows = [_row(target, revealed) for target in found if target.state is State.ACTIVE]
    return render(request, "revoke", rows=rows, back=back)


async def note_revealed(request: Request, ids: Sequence[str]) -> None:
    """Reveal targets that this session has not revealed yet. Raises UnknownTarget."""
    revealed = session_of(request).revealed
    new = [id for id in dict.fromkeys(ids) if id not in revealed]
    if new:
        await run_sync(desk_of(request).service.registry.note_revealed, new)
        revealed.update(new)


def choice(kind: type[_Choice], value: str | None) -> _Choice | None:
    """Return the member of an enum with this value, None if there is none: a filter that is not set."""
    return kind(value) if value in {member.value for member in kind} else None


def shown_name(target: ForgetTarget, revealed: set[str]) -> str:
    """Return the name of a target, masked unless the session has revealed it."""
    return target.draft.name if target.id in revealed else masked(target.draft.name)


def _row(target: ForgetTarget, revealed: set[str]) -> Row:
    return Row(target.id, shown_name(target, revealed), target)


def _revoke(changes: TargetChanges, ids: Sequence[str], caller: Caller) -> Revoked:
    found = [changes.registry.get(id) for id in ids]
    changes.require(caller, [target.draft for target in found])
    revoked = proposed = left = 0
    for target in found:
        try:
            is_over = changes.revoke(caller, target, is_exact=False).state is not State.ACTIVE
        except UnknownTarget:
            # Somebody else has revoked it meanwhile, or it has expired.
            continue
        except (AlreadyProposed, NothingProposed, NeedsApprover, StaleRevision):
            # One that somebody else is about to change does not keep the others from being revoked.
            left += 1
        else:
            revoked, proposed = revoked + is_over, proposed + (not is_over)
    return Revoked(revoked, proposed, left)


def _said(done: Revoked) -> Iterator[str]:
    if done.revoked or not (done.proposed or done.left):
        yield text("targets.revoked", count=done.revoked)
    if done.proposed:
        yield text("targets.end_proposed", count=done.proposed)
    if done.left:
        yield text("targets.end_refused", count=done.left)
