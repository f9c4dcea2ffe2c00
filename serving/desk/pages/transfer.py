"""Files of targets: looked through row by row before they are imported, and exported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from anyio.to_thread import run_sync
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from guard.errors import InvalidTarget
from guard.registry.drafts import DraftStanding, Standing
from guard.registry.search import TargetSearch
from guard.targets.target import Draft, State
from guard.targets.validation import validate
from serving.admin.requests import TargetIn
from serving.admin.responses import target_of
from serving.admin.target_file import MAX_BATCH_ROWS, Row, UnreadableFile, as_line, columns_of, parse_rows
from serving.approval.changes import TargetChanges
from serving.desk.context import caller_of, desk_of, form_of, session_of
from serving.desk.pages.fields import Fault, faults_of
from serving.desk.rendering import HOME, render, text
from serving.desk.uploads import Upload

IMPORT = f"{HOME}/import"
ROWS = f"{IMPORT}/rows"
MAX_SHOWN = 200
EXPORT_ROWS = 500


class CheckedRow(NamedTuple):
    """A row of a file: where it is, and the target in it or what is wrong."""

    place: str
    name: str
    draft: Draft | None
    faults: list[Fault]


class SoundRow(NamedTuple):
    """A row without faults, and what would become of it."""

    place: str
    draft: Draft
    found: DraftStanding


async def choose(request: Request) -> Response:
    """Show the form that takes a file."""
    return render(request, "import", fault="", most=MAX_BATCH_ROWS)


async def upload(request: Request) -> Response:
    """Keep a file in the session, to be looked through. Nothing is stored."""
    file = form_of(request).get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return render(request, "import", 422, fault=text("import.no_file"), most=MAX_BATCH_ROWS)
    try:
        content = (await file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        return render(request, "import", 422, fault=text("import.not_utf8"), most=MAX_BATCH_ROWS)
    is_csv = file.filename.lower().endswith(".csv")
    columns = {name: _guessed(name) for name in columns_of(content)} if is_csv else {}
    session_of(request).upload = Upload(content, is_csv, columns)
    return RedirectResponse(ROWS, 303)


async def rows(request: Request) -> Response:
    """Show what the rows of the file would become, and what is wrong with which."""
    kept = session_of(request).upload
    if kept is None:
        return RedirectResponse(IMPORT, 303)
    found, fault = await run_sync(_checked, kept)
    faulty = [row for row in found if row.faults]
    sound = await run_sync(_compared, desk_of(request).service.changes, found)
    new = sum(row.found.standing is Standing.NEW for row in sound)
    return render(
        request,
        "import_rows",
        422 if fault else 200,
        columns=kept.columns,
        members=["", *TargetIn.model_fields],
        fault=fault,
        faulty=faulty[:MAX_SHOWN],
        sound=sound[:MAX_SHOWN],
        counts={"faulty": len(faulty), "sound": len(sound), "new": new, "known": len(sound) - new},
    )


async def store(request: Request) -> Response:
    """Give the columns other meanings, or store the rows that are sound under one policy version."""
    form, session = form_of(request), session_of(request)
    kept = session.upload
    if kept is None:
        return RedirectResponse(IMPORT, 303)
    if "columns" in form:
        meanings = {name: str(form.get(f"column-{place}", "")) for place, name in enumerate(kept.columns)}
        session.upload = Upload(kept.text, kept.is_csv, meanings)
        return RedirectResponse(ROWS, 303)
    found, fault = await run_sync(_checked, kept)
    drafts = [row.draft for row in found if row.draft]
    if fault or (len(drafts) < len(found) and "sound" not in form):
        return RedirectResponse(ROWS, 303)
    service = desk_of(request).service
    caller = caller_of(request)
    added = await run_sync(lambda: service.changes.add(caller, drafts, skip_existing=True))
    service.applier.notify()
    session.upload = None
    left_out = len(found) - len(drafts)
    # Who has sent the texts need not ask to see them.
    session.revealed.update(target.id for target in added.targets)
    counts = {"existing": len(added.existing), "left_out": left_out}
    return render(request, "imported", added=added.targets, most=MAX_SHOWN, **counts)


async def discard(request: Request) -> Response:
    """Forget the file."""
    session_of(request).upload = None
    return RedirectResponse(IMPORT, 303)


async def export(request: Request) -> Response:
    """Send all active targets with their texts as JSON Lines; the audit trail notes each as revealed."""
    headers = {"content-disposition": 'attachment; filename="targets.jsonl"'}
    return StreamingResponse(_lines(request), media_type="application/jsonl", headers=headers)


async def _lines(request: Request) -> AsyncIterator[str]:
    registry = desk_of(request).service.registry
    after: str | None = None
    while True:
        page = await run_sync(registry.find, TargetSearch(state=State.ACTIVE), after, EXPORT_ROWS)
        if page.items:
            await run_sync(registry.note_revealed, [target.id for target in page.items])
            for target in page.items:
                yield as_line(target_of(target, True).model_dump(mode="json")) + "\n"
        if page.next is None:
            return
        after = page.next


def _checked(kept: Upload) -> tuple[list[CheckedRow], str]:
    """Return the rows, or none and why the file cannot be read."""
    try:
        found = parse_rows(kept.text, is_csv=kept.is_csv, columns=kept.columns)
    except UnreadableFile as error:
        return [], str(error)
    if len(found) > MAX_BATCH_ROWS:
        return [], text("import.too_many", count=len(found), most=MAX_BATCH_ROWS)
    if not found:
        return [], text("import.empty")
    return _check(found), ""


def _check(found: Sequence[Row]) -> list[CheckedRow]:
    now, checked = datetime.now(UTC), []
    for row in found:
        draft, faults = None, []
        try:
            draft = TargetIn.model_validate(row.draft).draft()
            validate(draft, now)
        except (ValidationError, InvalidTarget) as error:
            draft, faults = None, faults_of(error)
        checked.append(CheckedRow(row.place, str(row.draft.get("name", "")), draft, faults))
    return checked


def _compared(changes: TargetChanges, found: Sequence[CheckedRow]) -> list[SoundRow]:
    """Return the rows without faults, compared with what is there as `store` does."""
    sound = [(row.place, row.draft) for row in found if row.draft]
    standings = changes.standings([draft for _, draft in sound])
    return [SoundRow(*row, standing) for row, standing in zip(sound, standings, strict=True)]


def _guessed(column: str) -> str:
    name = column.strip().lower()
    names = {text(f"target.{member}").lower(): member for member in TargetIn.model_fields}
    member = names.get(name, name.replace(" ", "_"))
    return member if member in TargetIn.model_fields else ""
