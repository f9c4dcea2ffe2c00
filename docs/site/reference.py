"""Pages of the reference, made from the code: settings, admin API, command line, metrics, errors, evidence."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from typer.core import TyperGroup

from docs.site import admin_api
from docs.site.markdown import cell, page, table

ROOT = Path(__file__).resolve().parents[2]


NAMES = ("settings.md", "data-plane.md", "admin-api.md", "cli.md", "metrics.md", "errors.md", "evidence.md")


class Page(NamedTuple):
    """A page of Markdown, by the name of its file below `reference/`."""

    name: str
    text: str


def pages() -> list[Page]:
    """Return all pages of the reference."""
    made = (settings(), data_plane(), admin_api.page_of(admin_api.openapi()), command_line(), metrics(), errors())
    return [Page(*page) for page in zip(NAMES, (*made, evidence()), strict=True)]


def settings() -> str:
    """Return the page of every setting, with its variable, type, default and help text."""
    from serving.settings import PREFIX, Settings

    rows = [
        (
            f"`{name}`",
            f"`{PREFIX}{name.upper()}`",
            _type(field.annotation),
            _default(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]
    return page(
        "Settings",
        "Every setting of a server. Where it may be set, and what an unknown key does:"
        " [settings](../settings.md).",
        table(("key", "environment", "type", "default", "what it does"), rows),
    )


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None:
        return "(none)"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if str(value) else "(empty)"


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if annotation is SecretStr:
        return "secret"
    text = annotation.__name__ if inspect.isclass(annotation) else str(annotation)
    return re.sub(r"\b(\w+\.)+", "", text).replace("|", "or")


def data_plane() -> str:
    """Return the page of every route of the data plane, and what becomes of every field of a request."""
    from serving.protocol.fields import FIELD_RULES
    from serving.protocol.refused_fields import REFUSED_FIELDS
    from serving.routes import ROUTES

    passed = {(rule.name, str(rule.decision), rule.routes, rule.reason) for rule in FIELD_RULES}
    refused = {(row.field, "refused", row.routes, f"it {row.reason}") for row in REFUSED_FIELDS}
    return page(
        "Data plane",
        "Every route that clients reach, and every field that is known. How to use them:"
        " [data plane](../data-plane.md).",
        "## Routes",
        table(("route",), [(f"`{method} {route}`",) for route, method in ROUTES.items()]),
        "## Fields",
        "`read`: goes to the engine, and the detector reads it. `pass`: goes to the engine, and holds no text."
        " `translate`: becomes part of a chat request. `drop`: never reaches the engine. `refused`: 400,"
        " unless the value is harmless.",
        table(
            ("field", "decision", "routes", "why"),
            [
                (f"`{name}`", decision, ", ".join(route.removeprefix("/v1/") for route in routes), reason)
                for name, decision, routes, reason in sorted(passed | refused)
            ],
        ),
    )


def command_line() -> str:
    """Return the page of every command with its arguments and options, as `--help` tells them."""
    from typer.main import get_command

    from serving.cli.app import app

    return page(
        "Command line",
        "Every command, as its `--help` tells it. What belongs together: [command line](../cli.md).",
        *(block for path, command in commands(get_command(app), "lethe") for block in _command(path, command)),
    )


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield path and command of `command` and of all below it, without groups that do nothing alone."""
    names = command.list_commands(None) if isinstance(command, TyperGroup) else []
    if not names or command.invoke_without_command:
        yield path, command
    for name in sorted(names):
        yield from commands(command.get_command(None, name), f"{path} {name}")


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"## `{path}`"
    yield cell(inspect.cleandoc(command.help or ""))
    shown = [one for one in command.params if one.name != "help" and not getattr(one, "hidden", False)]
    rows = [(_spelling(one), "yes" if one.required else "", getattr(one, "help", "") or "") for one in shown]
    if rows:
        yield table(("argument or option", "required", "what it does"), rows)


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name).upper()}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def metrics() -> str:
    """Return the page of every metric with its type and labels."""
    from serving.telemetry.metrics import Metrics

    made = [one for one in vars(Metrics()).values() if hasattr(one, "_labelnames")]
    rows = []
    for one in made:
        (family,) = one.describe()
        name = family.name + ("_total" if family.type == "counter" else "")
        rows.append((f"`{name}`", family.type, ", ".join(f"`{x}`" for x in one._labelnames), family.documentation))
    return page(
        "Metrics",
        "Every metric of `GET /metrics`. What the labels' values mean, and which alerts say most:"
        " [metrics](../metrics.md).",
        table(("metric", "type", "labels", "what it tells"), sorted(rows)),
    )


def errors() -> str:
    """Return the page of every code of the error tree."""
    from guard.errors import LetheError

    for module in _modules_with_codes():
        importlib.import_module(module)
    rows = {(f"`{one.code}`", str(one.status), one.__name__, _first_line(one)) for one in _below(LetheError)}
    return page(
        "Errors",
        "Every code of Lethe's own errors, from their classes. What to do about each, and the codes of the"
        " engine's failures: [errors](../errors.md). Those of the admin plane alone:"
        " [problems](../admin-plane.md#problems).",
        table(("code", "status", "class", "what it means"), sorted(rows)),
    )


def _modules_with_codes() -> Iterator[str]:
    """Yield the modules that define a code, as an error is only known once its module is imported."""
    for package in ("guard", "agents", "serving", "eval"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if re.search(r'^    code(: \S+)? = "', path.read_text("utf-8"), re.M):
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _below(error: type[Any]) -> Iterator[type[Any]]:
    yield error
    for child in error.__subclasses__():
        yield from _below(child)


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n\n")[0]


def evidence() -> str:
    """Return the page of what speaks for a target: signals, plans, kinds of phrases."""
    from guard.detection.calibration import Signals
    from guard.phrases.phrase import PhraseKind
    from guard.policy.plan import PlanKind
    from serving.admin.check_response import CheckResponse, MatchOut, SignalsOut

    signals = [(f"`{one.name}`", SignalsOut.model_fields[one.name].description or "") for one in fields(Signals)]
    kinds = _said(PhraseKind)
    return page(
        "Evidence",
        "What `lethe check` and `POST /admin/v1/check` say of a conversation, and `dry_run` of a phrase. How it is"
        " weighed: [detector](../detector.md).",
        "## Signals of a target",
        table(("signal", "what it is"), signals),
        "## A match",
        table(("member", "what it is"), _members(MatchOut)),
        "## A check",
        table(("member", "what it is"), _members(CheckResponse)),
        "## Plans",
        cell(inspect.getdoc(PlanKind) or ""),
        "## Kinds of phrases",
        table(("kind", "what it is"), [(f"`{kind.value}`", kinds.get(kind.value, "")) for kind in PhraseKind]),
    )


def _members(model: Any) -> list[tuple[str, str]]:
    return [
        (f"`{name}`", field.description or _type(field.annotation)) for name, field in model.model_fields.items()
    ]


def _said(kind: type) -> dict[str, str]:
    """Return what the docstring of `kind` says of each member, in lines of a name and two blanks or more."""
    found = re.findall(r"^(\w+) {2,}(.+(?:\n {3,}.+)*)$", inspect.getdoc(kind) or "", re.M)
    return {name: " ".join(text.split()) for name, text in found}
