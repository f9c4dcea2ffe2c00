"""The reference names everything that the code has, so that nobody has to write it down."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from docs.site import admin_api, reference
from serving.cli.app import app
from serving.protocol.fields import FIELD_RULES
from serving.protocol.refused_fields import REFUSED_FIELDS
from serving.routes import ROUTES
from serving.settings import Settings
from tests.test_docs import kinds, text


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {page.name: page.text for page in reference.pages()}


def test_every_setting_stands_with_its_help_text(pages: dict[str, str]) -> None:
    rows = pages["settings.md"].splitlines()
    for name, field in Settings.model_fields.items():
        (row,) = (row for row in rows if row.startswith(f"| `{name}` | `LETHE_{name.upper()}` |"))
        assert str(field.description).replace("|", "\\|").replace("<", "&lt;") in row


def test_no_default_of_a_setting_is_a_secret(pages: dict[str, str]) -> None:
    assert not re.search(r"\| secret \| `", pages["settings.md"])


def test_every_route_and_field_of_the_data_plane_stands(pages: dict[str, str]) -> None:
    page = pages["data-plane.md"]
    assert all(f"| `{method} {route}` |" in page for route, method in ROUTES.items())
    names = {rule.name for rule in FIELD_RULES} | {row.field for row in REFUSED_FIELDS}
    assert all(f"| `{name}` | " in page for name in names)


def test_every_route_and_shape_of_the_admin_plane_stands(pages: dict[str, str]) -> None:
    page, description = pages["admin-api.md"], admin_api.openapi()
    for path, methods in description["paths"].items():
        assert all(f"### `{method.upper()} {path}`\n" in page for method in methods)
    shapes = description["components"]["schemas"]
    assert all(f"### {name}\n" in page for name in shapes)
    assert all(f"| `{member}` |" in page for shape in shapes.values() for member in shape.get("properties", {}))


def test_every_command_and_option_stands(pages: dict[str, str]) -> None:
    for path, command in reference.commands(get_command(app), "lethe"):
        section = pages["cli.md"].split(f"## `{path}`\n")[1].split("\n## ")[0]
        assert all(f"`{name}`" in section for one in command.params for name in one.opts if name.startswith("--"))


def test_every_metric_stands(pages: dict[str, str]) -> None:
    # `tests/serving/telemetry/test_metrics.py` holds that page to what is exposed.
    documented, named = (
        set(re.findall(r"^\| `(lethe_\w+)`", page, re.M))
        for page in (text("docs/metrics.md"), pages["metrics.md"])
    )
    assert documented == named


def test_every_error_stands_with_its_status(pages: dict[str, str]) -> None:
    assert all(f"| `{error.code}` | {error.status} |" in pages["errors.md"] for error in kinds())


def test_every_kind_of_phrase_says_what_it_is(pages: dict[str, str]) -> None:
    kinds_of_phrases = pages["evidence.md"].split("## Kinds of phrases")[1]
    assert not re.search(r"^\| `\w+` \|  \|$", kinds_of_phrases, re.M)
    assert "| `title` | title of a work" in kinds_of_phrases
