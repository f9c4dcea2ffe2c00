"""The page of the admin plane's routes and shapes, from its OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

from pydantic import SecretStr

from docs.site.markdown import cell, page, table

Json = Mapping[str, Any]


def openapi() -> Json:
    """Return the description that the admin plane serves."""
    from serving.admin.app import create_admin
    from serving.admin.service import AdminService

    # A description asks for nothing of the service but its parts, which are stored.
    service = SimpleNamespace(keys=None, tokens=None, delegates=None)
    return create_admin(cast(AdminService, service), SecretStr("reference")).openapi()


def page_of(description: Json) -> str:
    """Return the page of every route and of every shape of a body in an OpenAPI description."""
    routes = [
        block
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        for block in _route(method.upper(), path, operation)
    ]
    schemas = description["components"]["schemas"]
    shapes = [block for name in sorted(schemas) for block in _shape(name, schemas[name])]
    return page(
        "Admin API",
        "Every route of the admin plane, from the OpenAPI description that it serves at `/openapi.json`."
        " How to use them: [admin plane](../admin-plane.md). What the members of a target mean:"
        " [a forget target](../admin-plane.md#a-forget-target).",
        "## Routes",
        *routes,
        "## Shapes",
        *shapes,
    )


def _route(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"### `{method} {path}`"
    yield cell(operation.get("description") or operation.get("summary") or "")
    if parameters := operation.get("parameters"):
        rows = [
            (f"`{one['name']}`", one["in"], "yes" if one.get("required") else "", _schema(one.get("schema", {})))
            for one in parameters
        ]
        yield table(("parameter", "in", "required", "type"), rows)
    if body := operation.get("requestBody"):
        yield f"Body: {' or '.join(_schema(one.get('schema', {})) for one in body['content'].values())}"
    yield table(
        ("status", "meaning", "body"),
        [(status, one.get("description", ""), _bodies(one)) for status, one in operation["responses"].items()],
    )


def _bodies(response: Json) -> str:
    found = (_schema(one.get("schema", {})) for one in response.get("content", {}).values())
    return ", ".join(dict.fromkeys(filter(None, found)))


def _shape(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    if text := schema.get("description"):
        yield cell(text)
    if "enum" in schema:
        yield "One of " + ", ".join(f"`{value}`" for value in schema["enum"]) + "."
    required = schema.get("required", ())
    rows = [
        (f"`{member}`", _schema(one), _given(one, member in required), one.get("description", ""))
        for member, one in schema.get("properties", {}).items()
    ]
    if rows:
        yield table(("member", "type", "default", "what it is"), rows)


def _given(schema: Json, required: bool) -> str:
    if required:
        return "required"
    return f"`{schema['default']!r}`" if schema.get("default") is not None else ""


def _schema(schema: Json) -> str:
    """Return the type that a JSON schema states, in a few words, with a link to the shape that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_schema, schema["anyOf"])))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_schema(schema.get('items', {})) or 'anything'}"
    limits = [
        f"{words} {schema[key]}"
        for key, words in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if key in schema
    ]
    return " ".join([str(schema.get("type", "")), *limits])
