"""Renders the desk's pages: Jinja2 templates with autoescape, and all English text from `texts.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from serving.desk.sessions import Session

FOLDER = Path(__file__).parent
HOME = "/ui"


def text(key: str, **values: object) -> str:
    """Return the English text of `key` with `values` put into its braces. KeyError if the catalogue lacks it.

    With a `count` of 1 it is that of `key_one`, where there is one.
    """
    one = texts().get(f"{key}_one") if values.get("count") == 1 else None
    return (one or texts()[key]).format(**values)


@cache
def texts() -> Mapping[str, str]:
    """Return the catalogue: every text by its key, as `overview.title`."""
    return dict(_flat(tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8")), ""))


def render(request: Request, page: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return the page that the template of this name makes of `values` for the session of `request`.

    Templates leave out what the caller has no right to: `rights` has those of the session."""
    session: Session | None = request.scope.get("session")
    template = _environment().get_template(f"{page}.html")
    csrf = session.csrf if session else ""
    common = {"page": page, "path": request.url.path, "csrf": csrf, "signed_in": session is not None}
    rights = session.caller.rights if session else frozenset()
    return HTMLResponse(template.render(**common, rights=rights, **values), status)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(t=text, home=HOME)
    environment.filters["moment"] = moment
    environment.filters["instant"] = lambda at: moment(datetime.fromtimestamp(at, UTC))
    return environment


def moment(at: datetime | None) -> str:
    """Return a time for people: in UTC, to the second; empty for None."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _flat(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, str):
            yield prefix + key, value
        else:
            yield from _flat(value, f"{prefix}{key}.")
