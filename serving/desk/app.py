"""The desk as an ASGI application, and in front of the admin plane."""

from __future__ import annotations

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from guard.errors import LetheError
from serving.access.access import Access
from serving.access.code_flow import CodeFlow
from serving.admin.problems import Refused
from serving.admin.service import AdminService
from serving.desk.context import Desk
from serving.desk.gate import CALLBACK, PROVIDER, SIGN_IN, STATIC, Gate
from serving.desk.pages import (
    assistants,
    cases,
    certificates,
    elicitation,
    issuing,
    keys,
    observed,
    overview,
    policy,
    sign_in,
    target,
    target_form,
    targets,
    transfer,
)
from serving.desk.pages.targets import LIST
from serving.desk.rendering import FOLDER, HOME, render
from serving.desk.sessions import Sessions, SignInLimit
from serving.http.asgi import App, Receive, Scope, Send

_ONE = f"{LIST}/{{id}}"
ROUTES = (
    Route(SIGN_IN, sign_in.sign_in),
    Route(SIGN_IN, sign_in.begin, methods=["POST"]),
    Route(PROVIDER, sign_in.to_provider),
    Route(CALLBACK, sign_in.from_provider),
    Route(f"{HOME}/sign-out", sign_in.sign_out, methods=["POST"]),
    Route(HOME, overview.overview),
    Route(f"{HOME}/", overview.overview),
    Route(LIST, targets.targets),
    Route(f"{LIST}/reveal", targets.reveal, methods=["POST"]),
    Route(f"{LIST}/revoke", targets.revoke, methods=["POST"]),
    Route(f"{LIST}/add", target_form.blank),
    Route(f"{LIST}/add", target_form.add, methods=["POST"]),
    Route(_ONE, target.target),
    Route(f"{_ONE}/reveal", target.reveal, methods=["POST"]),
    Route(f"{_ONE}/revoke", target.revoke, methods=["POST"]),
    Route(f"{_ONE}/promote", target.promote, methods=["POST"]),
    Route(f"{_ONE}/approve", target.approve, methods=["POST"]),
    Route(f"{_ONE}/reject", target.reject, methods=["POST"]),
    Route(f"{_ONE}/try", target.try_it, methods=["POST"]),
    Route(f"{_ONE}/edit", target_form.edit),
    Route(f"{_ONE}/edit", target_form.change, methods=["POST"]),
    Route(f"{_ONE}/elicitation", elicitation.elicitation),
    Route(f"{_ONE}/elicitation", elicitation.start, methods=["POST"]),
    Route(f"{_ONE}/elicitation/cancel", elicitation.cancel, methods=["POST"]),
    Route(f"{_ONE}/elicitation/accept", elicitation.accept, methods=["POST"]),
    Route(transfer.IMPORT, transfer.choose),
    Route(transfer.IMPORT, transfer.upload, methods=["POST"]),
    Route(transfer.ROWS, transfer.rows),
    Route(transfer.ROWS, transfer.store, methods=["POST"]),
    Route(f"{transfer.IMPORT}/discard", transfer.discard, methods=["POST"]),
    Route(f"{HOME}/export", transfer.export, methods=["POST"]),
    Route(cases.CASES, cases.cases),
    Route(cases.CASES, cases.store, methods=["POST"]),
    Route(f"{cases.CASES}/{{id}}/close", cases.close, methods=["POST"]),
    Route(observed.VERDICTS, observed.verdicts),
    Route(f"{observed.VERDICTS}/export", observed.export_verdicts),
    Route(observed.AUDIT, observed.audit),
    Route(f"{observed.AUDIT}/export", observed.export_audit),
    Route(policy.POLICY, policy.policy),
    Route(f"{policy.POLICY}/rollback", policy.rollback, methods=["POST"]),
    Route(assistants.ASSISTANTS, assistants.assistants),
    Route(assistants.ASSISTANTS, assistants.train, methods=["POST"]),
    Route(f"{assistants.ASSISTANTS}/{{digest}}/promote", assistants.promote, methods=["POST"]),
    Route(f"{assistants.ASSISTANTS}/{{digest}}/retire", assistants.retire, methods=["POST"]),
    Route(certificates.CERTIFICATES, certificates.certificates),
    Route(certificates.CERTIFICATES, certificates.verify, methods=["POST"]),
    Route(issuing.ISSUE, issuing.ask),
    Route(issuing.ISSUE, issuing.issue, methods=["POST"]),
    Route(f"{issuing.ISSUE}/cancel", issuing.cancel, methods=["POST"]),
    Route(f"{certificates.CERTIFICATES}/{{name}}", certificates.certificate),
    Route(f"{certificates.CERTIFICATES}/{{name}}/{{kind}}", certificates.download),
    Route(keys.KEYS, keys.keys),
    Route(keys.KEYS, keys.create, methods=["POST"]),
    Route(f"{keys.KEYS}/{{id}}/rotate", keys.rotate, methods=["POST"]),
    Route(f"{keys.KEYS}/{{id}}/revoke", keys.revoke, methods=["POST"]),
    Mount(STATIC, StaticFiles(directory=FOLDER / "static")),
)


def create_desk(
    service: AdminService,
    key: SecretStr,
    *,
    idle_s: float,
    max_body_bytes: int,
    provider: CodeFlow | None = None,
) -> App:
    """Return the desk of `service`. People sign in with `key`, with one of the service's, or at the `provider`."""
    sessions, access = Sessions(idle_s), Access(key, service.keys, service.tokens)
    app = Starlette(
        routes=ROUTES,
        exception_handlers={LetheError: _lethe_error, Refused: _refused, HTTPException: _http_error},
    )
    app.router.redirect_slashes = False
    app.state.desk = Desk(
        service=service, access=access, sessions=sessions, limit=SignInLimit(), provider=provider
    )
    return Gate(app, ROUTES, access, sessions, max_body_bytes)


class WithDesk:
    """An ASGI application: the desk under `/ui`, the admin plane for all else; `/` leads a browser to the desk."""

    def __init__(self, admin: App, desk: App) -> None:
        self._admin = admin
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/" and _is_browser(scope):
            return await RedirectResponse(HOME)(scope, receive, send)
        of_desk = scope["type"] == "http" and (scope["path"] == HOME or scope["path"].startswith(f"{HOME}/"))
        return await (self._desk if of_desk else self._admin)(scope, receive, send)


def _is_browser(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD") and "text/html" in Headers(scope=scope).get("accept", "")


async def _lethe_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LetheError)
    return render(request, "error", error.status, code=error.code, detail=error.message)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return render(request, "error", error.status, code=error.code, detail=error.detail)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return render(request, "error", error.status_code, code="unknown_page", detail="")
