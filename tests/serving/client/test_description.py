"""The client against the admin plane's own OpenAPI description: every route, parameter, member and value."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter

from serving.admin.app import create_admin
from serving.client import AdminClient, AsyncAdminClient, operations, requests, server_operations
from serving.client.errors import BY_STATUS
from serving.client.operation import Operation

SCHEMA: dict[str, Any] = create_admin(
    SimpleNamespace(keys=None, tokens=None, delegates=None), SecretStr("k")
).openapi()  # type: ignore[arg-type]
ID, DIGEST, DRAFT = "ft_1", "0" * 64, {"name": "Ada Quill"}
EVERY: Sequence[tuple[int, Operation[Any]]] = [
    (201, operations.add(DRAFT, reveal=True, urgent=True, wait_s=5)),  # type: ignore[arg-type]
    (200, operations.preview(DRAFT, reveal=True)),  # type: ignore[arg-type]
    (201, operations.add_many([DRAFT], skip_existing=True, wait_s=5)),  # type: ignore[list-item]
    (200, operations.target_page("c", limit=5, state="active", reveal=True)),
    (200, operations.get(ID, reveal=True)),
    (200, operations.change(ID, {"mode": "shadow"}, 3, reveal=True, wait_s=5)),
    (204, operations.revoke(ID, 3, wait_s=5)),
    (200, operations.canary(ID)),
    (200, operations.promote_target(ID, 3, reveal=True, wait_s=5)),
    (200, operations.proposed(ID, reveal=True)),
    (200, operations.approve(ID, 3, reveal=True, wait_s=5)),
    (200, operations.reject(ID, 3, "names a bystander")),
    (202, operations.elicit(ID, {"samples": 1}, accept="all", reveal=True)),
    (200, operations.elicitation(ID, reveal=True)),
    (204, operations.cancel_elicitation(ID)),
    (200, operations.accept(ID, ["p1"], reveal=True, wait_s=5)),
    (202, server_operations.train([ID])),
    (200, server_operations.assistants()),
    (200, server_operations.promote(DIGEST)),
    (204, server_operations.retire(DIGEST)),
    (200, operations.check("Who is Ada Quill?", tags=["eu"], canary="shadow")),
    (200, operations.try_("Who is Ada Quill?", max_tokens=9, proposed=ID)),
    (200, operations.policy()),
    (200, operations.policy_diff(1, 2, ID, limit=5, reveal=True)),
    (200, operations.rollback(1, dry_run=True, wait_s=5)),
    (200, server_operations.replicas()),
    (200, operations.event_page(1, limit=5)),
    (200, operations.verdict_page(1, limit=5, mode="shadow", target_id=ID)),
    (200, server_operations.engines()),
    (204, server_operations.drain_engine("http://gpu:8000", drained=True)),
    (200, server_operations.checkpoints()),
    (200, server_operations.webhooks()),
    (200, server_operations.retry_webhook("w1")),
    (201, server_operations.create_key({"name": "dashboard", "role": "reader"})),
    (200, server_operations.keys()),
    (200, server_operations.key_events(1, limit=5)),
    (200, server_operations.rotate_key("ak_1", overlap_s=5)),
    (200, server_operations.revoke_key("ak_1")),
    (200, server_operations.cases(1, limit=5, state="overdue")),
    (200, server_operations.case(ID)),
    (200, server_operations.put_case(ID, {"received_at": "2026-11-01T00:00:00Z"})),
    (200, server_operations.metrics()),
    (200, server_operations.live()),
    (200, server_operations.ready()),
    (200, server_operations.description()),
]
"""Each operation with all its options, and the status of its answer."""
BODIES = {
    requests.TargetDraft: "TargetIn",
    requests.TargetPatch: "TargetPatch",
    requests.FactDraft: "FactIn",
    requests.PatternDraft: "PatternIn",
    requests.ElicitOptions: "ElicitIn",
    requests.KeyDraft: "KeyIn",
    requests.Message: "MessageIn",
    requests.CaseDraft: "CaseIn",
}


def routes() -> dict[tuple[str, str], Any]:
    paths = SCHEMA["paths"].items()
    return {(method.upper(), path): route for path, methods in paths for method, route in methods.items()}


def shape(schema: Any, root: Mapping[str, Any], *, formats: bool = True) -> object:
    """What JSON a schema allows: names and kinds of members, values of enums; no bounds, texts and defaults."""
    if "$ref" in schema:
        found: Any = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return shape(found, root, formats=formats)
    if "anyOf" in schema:
        return frozenset(shape(one, root, formats=formats) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return frozenset(map(str, schema.get("enum", [schema.get("const")])))
    if "properties" in schema:
        members = schema["properties"].items()
        return frozenset((name, shape(member, root, formats=formats)) for name, member in members)
    if schema.get("type") == "array":
        return "array", shape(schema["items"], root, formats=formats)
    if schema.get("type") == "object":
        return "object", shape(schema.get("additionalProperties", {}), root, formats=formats)
    return schema.get("type"), schema.get("format") if formats else None


def component(name: str, *, formats: bool = True) -> object:
    return shape({"$ref": f"#/components/schemas/{name}"}, SCHEMA, formats=formats)


def test_every_route_has_an_operation() -> None:
    own = {(operation.method, operation.route) for _, operation in EVERY}
    assert own == routes().keys() | {("GET", "/openapi.json")}


@pytest.mark.parametrize("route", routes(), ids=" ".join)
def test_every_parameter_of_a_route_can_be_given(route: tuple[str, str]) -> None:
    asked = [operation for _, operation in EVERY if (operation.method, operation.route) == route]
    places = {"query": "params", "header": "headers", "path": "path"}
    given = {
        place: {name for operation in asked for name in getattr(operation, members)}
        for place, members in places.items()
    }
    described: dict[str, set[str]] = {place: set() for place in places}
    for parameter in routes()[route].get("parameters", ()):
        described[parameter["in"]].add(parameter["name"].lower())
    assert given == described


@pytest.mark.parametrize(("status", "operation"), EVERY, ids=lambda value: getattr(value, "route", value))
def test_every_member_of_an_answer_is_read(status: int, operation: Operation[Any]) -> None:
    if operation.route == "/openapi.json":
        return
    answer = routes()[operation.method, operation.route]["responses"][str(status)]
    described = answer.get("content", {}).get("application/json", {}).get("schema")
    model = getattr(operation.read, "__self__", None)
    assert (described is None) == (model is None)
    if model is not None:
        assert issubclass(model, BaseModel)
        own = model.model_json_schema(mode="serialization")
        assert shape(own, own) == shape(described, SCHEMA)


@pytest.mark.parametrize(("body", "name"), BODIES.items(), ids=BODIES.values())
def test_every_member_of_a_request_can_be_given(body: Any, name: str) -> None:
    own = TypeAdapter(body).json_schema()
    assert shape(own, own, formats=False) == component(name, formats=False)
    required = SCHEMA["components"]["schemas"][name].get("required", [])
    assert set(own.get("required", [])) == set(required)


def test_every_status_of_a_refusal_is_an_error_of_its_own() -> None:
    statuses = {int(status) for route in routes().values() for status in route["responses"]}
    assert {status for status in statuses if status >= 400} <= BY_STATUS.keys()


def functions() -> list[str]:
    return [
        name
        for module in (operations, server_operations)
        for name, made in inspect.getmembers(module, inspect.isfunction)
        if made.__module__ == module.__name__
    ]


def public(client: type) -> dict[str, Any]:
    return {name: made for name, made in inspect.getmembers(client, callable) if not name.startswith("_")}


def test_every_operation_is_a_method_of_both_clients_and_used_here() -> None:
    assert set(functions()) <= public(AdminClient).keys()
    assert len(functions()) == len(EVERY)


def test_both_clients_have_the_same_methods() -> None:
    one, other = public(AdminClient), public(AsyncAdminClient)
    assert one.keys() == other.keys()
    for name, method in one.items():
        given = [str(parameter) for parameter in inspect.signature(method).parameters.values()]
        assert given == [str(parameter) for parameter in inspect.signature(other[name]).parameters.values()], name
        if name != "from_environment":
            returned = str(inspect.signature(method).return_annotation).replace("Iterator", "AsyncIterator")
            assert returned == inspect.signature(other[name]).return_annotation, name
        get_type_hints(other[name])
