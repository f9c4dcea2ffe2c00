"""Errors of the admin plane as RFC 9457 problems: stable codes, and no text of a target."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from guard.errors import LetheError

MEDIA_TYPE = "application/problem+json"
_MAX_PATH_CHARS = 200
# The alternative models of a body, which pydantic puts into the path of an error.
_ALTERNATIVES = frozenset({"TextIn", "ConversationIn"})


class Fault(BaseModel):
    """One faulty member of a request."""

    field: str = Field(description="Path of the member, as in `phrases[3]`, or name of the parameter.")
    detail: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    type: str = Field(description="`urn:lethe:error:` and the code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; docs/errors.md lists them all.")
    instance: str | None = Field(None, description="The resource that was created nevertheless.")
    errors: list[Fault] | None = None


class Refused(Exception):
    """Raised in a route to answer with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        instance: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = [Fault(field=field, detail=detail)] if field else []
        self.instance = instance
        self.headers = headers

    def response(self) -> Response:
        """Return the problem as a response."""
        return problem(
            self.status, self.code, self.detail, faults=self.faults, instance=self.instance, headers=self.headers
        )


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    faults: Iterable[Fault] = (),
    instance: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Return an `application/problem+json` response without empty members."""
    body = Problem(
        type=f"urn:lethe:error:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        instance=instance,
        errors=list(faults) or None,
    )
    content = json.dumps(body.model_dump(exclude_none=True))
    return Response(content, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(LetheError, _lethe_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of problems with these statuses and those common to all routes."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({400, 401, 403, 422, 503, *statuses})
    }


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return error.response()


async def _lethe_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LetheError)
    faults = [Fault(field=error.field, detail=error.message)] if error.field else []
    return problem(error.status, error.code, error.message, faults=faults)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return problem(400, "malformed_body", "the body is not JSON")
    faults = [Fault(field=_path(one["loc"]), detail=_explained(one)) for one in found]
    return problem(422, "invalid_request", "the request is not of the documented form", faults=faults)


def _path(location: Iterable[str | int]) -> str:
    source, *members = location
    path = ""
    for member in members:
        if member not in _ALTERNATIVES:
            path += f"[{member}]" if isinstance(member, int) else f".{member}"
    named = path.removeprefix(".") or str(source)
    return named[:_MAX_PATH_CHARS]


def _explained(error: dict[str, Any]) -> str:
    if error["type"] == "string_pattern_mismatch":
        return "does not match the documented pattern"
    return str(error["msg"])


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = {"Allow": ", ".join(_allowed(request))}
        return problem(405, "method_not_allowed", "the route answers other methods", headers=allowed)
    if error.status_code == 404:
        return problem(404, "unknown_route", "the admin plane has no such route")
    return problem(error.status_code, "malformed_body", "the body cannot be read")


def _allowed(request: Request) -> list[str]:
    """Return the methods of the routes of this path. An id takes an action for its end: `x:elicit` is no id."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    action = request.url.path.rpartition(":")[2]
    own = [route for route in routes if route.path.endswith(f":{action}")]
    return sorted({method for route in own or routes for method in route.methods})
