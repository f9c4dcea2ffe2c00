"""What the desk's pages are made from."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request

from serving.access.access import Access
from serving.access.code_flow import CodeFlow
from serving.access.rights import Caller
from serving.admin.service import AdminService
from serving.desk.sessions import Session, Sessions, SignInLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts of a server that the desk's pages show and change; `provider` is None where keys alone sign in."""

    service: AdminService
    access: Access
    sessions: Sessions
    limit: SignInLimit
    provider: CodeFlow | None


def desk_of(request: Request) -> Desk:
    """Return the desk that a page belongs to."""
    desk: Desk = request.app.state.desk
    return desk


def session_of(request: Request) -> Session:
    """Return the session of a request that came through the gate."""
    session: Session = request.scope["session"]
    return session


def caller_of(request: Request) -> Caller:
    """Return who is signed in, with the rights of this moment."""
    return session_of(request).caller


def form_of(request: Request) -> FormData:
    """Return the form of a POST, whose token the gate has checked."""
    form: FormData = request.scope["form"]
    return form
