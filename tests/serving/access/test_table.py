"""Every route of the admin plane and of the desk, under every role and every state of a key."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.routing import Mount

from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.targets.target import Draft, Mode
from serving.access.rights import RIGHTS, NotAllowed, Right
from serving.access.table import ADMIN, DESK, SHADOW_ONLY, TABLE, matrix, right_for
from serving.admin.app import create_admin
from serving.desk.app import ROUTES
from tests.serving.admin.conftest import KEY, TARGETS, Service

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).resolve().parents[3]
CREDENTIALS = ("valid", "expired", "revoked", "wrong audience")
PROTECTED = [route for route, right in ADMIN.items() if right is not None]


class Plane:
    """The admin plane with a key of each role in each state, and a target in each mode."""

    def __init__(self, path: Path) -> None:
        self.service = Service(path / "registry.db")
        self.app: FastAPI = create_admin(self.service, SecretStr(KEY))  # type: ignore[arg-type]
        self.secrets = {(role, state): self._key(role, state) for role in Role for state in CREDENTIALS}
        self.targets = {
            mode: self.service.registry.add(Draft(name=f"Ada Quillfeather {mode}", mode=mode)) for mode in Mode
        }
        self.service.keys.refresh()

    def _key(self, role: Role, state: str) -> str:
        keys = self.service.registry.keys
        draft = KeyDraft(name=f"{role} {state}", audience=Audience.ADMIN, role=role)
        if state == "wrong audience":
            return keys.create(replace(draft, audience=Audience.CLIENT, role=None)).secret
        if state == "expired":
            soon = datetime.now(UTC) + timedelta(milliseconds=5)
            return keys.create(replace(draft, expires_at=soon)).secret
        new = keys.create(draft)
        if state == "revoked":
            keys.revoke(new.key.id)
        return new.secret

    async def ask(self, route: str, secret: str, **more: Any) -> httpx.Response:
        method, _, path = route.partition(" ")
        headers = {"authorization": f"Bearer {secret}"}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
            return await client.request(method, re.sub(r"\{\w+\}", "none", path), **more)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Any:
    plane = Plane(tmp_path_factory.mktemp("plane"))
    with closing(plane.service.registry):
        yield plane


def test_every_route_of_the_admin_plane_has_an_entry(plane: Plane) -> None:
    served = {
        f"{method} {route.path}"
        for route in plane.app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    assert served == set(ADMIN)


def test_every_page_of_the_desk_has_an_entry() -> None:
    served = {
        f"{method} {route.path}"
        for route in ROUTES
        for method in ({"GET"} if isinstance(route, Mount) else (route.methods or set()) - {"HEAD"})
    }
    assert served == set(DESK)


def test_a_route_without_an_entry_is_refused_to_everybody() -> None:
    assert right_for("HEAD", "/metrics") is Right.READ
    with pytest.raises(NotAllowed):
        right_for("GET", "/admin/v1/unheard-of")


async def test_a_route_that_somebody_forgot_is_refused_by_the_plane(plane: Plane) -> None:
    @plane.app.get("/admin/v1/forgotten")
    def forgotten() -> str:
        return "everything"

    try:
        response = await plane.ask("GET /admin/v1/forgotten", KEY)
    finally:
        plane.app.router.routes.pop()
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("credentials", CREDENTIALS)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", PROTECTED)
async def test_each_cell_of_the_matrix(plane: Plane, route: str, role: Role, credentials: str) -> None:
    response = await plane.ask(route, plane.secrets[role, credentials])
    if credentials != "valid":
        assert (response.status_code, response.json()["code"]) == (401, "invalid_admin_key")
    elif ADMIN[route] in RIGHTS[role]:
        assert response.status_code not in (401, 403)
    else:
        assert (response.status_code, response.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("route", ADMIN)
async def test_the_configured_key_may_do_all_and_nobody_else_without_a_key(plane: Plane, route: str) -> None:
    assert (await plane.ask(route, KEY)).status_code not in (401, 403)
    without = (await plane.ask(route, "wrong")).status_code
    assert without == 401 if ADMIN[route] else without != 401


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("mode", Mode)
async def test_who_may_not_enforce_changes_targets_in_shadow_alone(plane: Plane, role: Role, mode: Mode) -> None:
    if Right.EDIT not in RIGHTS[role]:
        pytest.skip("may change nothing: the matrix shows it")
    secret, may = plane.secrets[role, "valid"], mode is Mode.SHADOW or Right.ENFORCE in RIGHTS[role]
    name = f"Brisa Tane {role} {mode}"
    added = await plane.ask(f"POST {TARGETS}", secret, json={"name": name, "mode": mode})
    batch = await plane.ask(
        f"POST {TARGETS}:batch",
        secret,
        json={"targets": [{"name": f"{name} {n}", "mode": [mode, Mode.SHADOW][n]} for n in (0, 1)]},
    )
    target = plane.service.registry.add(Draft(name=f"Corvin Ashgrove {role}", mode=mode))
    one = f"{TARGETS}/{target.id}"
    changed = await plane.ask(f"PATCH {one}", secret, json={"aliases": ["Cory Ash"]}, headers=_any(secret))
    assert {_code(response) for response in (added, batch, changed)} == {"" if may else "needs_approver"}
    enforced = await plane.ask(f"PATCH {one}", secret, json={"mode": "enforce"}, headers=_any(secret))
    relaxed = await plane.ask(f"PATCH {one}", secret, json={"mode": "shadow"}, headers=_any(secret))
    assert _code(enforced) == ("" if Right.ENFORCE in RIGHTS[role] else "needs_approver")
    assert _code(relaxed) == ("" if may else "needs_approver")
    plane.service.registry.change(target.id, replace(target.draft, mode=mode), _revision(plane, target.id))
    revoked = await plane.ask(f"DELETE {one}", secret)
    assert _code(revoked) == ("" if may else "needs_approver")


@pytest.mark.parametrize("role", Role)
async def test_texts_are_revealed_to_who_may_reveal(plane: Plane, role: Role) -> None:
    secret = plane.secrets[role, "valid"]
    one = f"GET {TARGETS}/{plane.targets[Mode.SHADOW].id}"
    may = Right.REVEAL in RIGHTS[role]
    for asked in ("true", "1", "YES", "on", "t"):
        response = await plane.ask(one, secret, params={"reveal": asked})
        assert response.status_code == (200 if may else 403)
        assert ("Quillfeather" in response.text) is may
    for asked in ("false", "0", "No", "off"):
        assert "Quillfeather" not in (await plane.ask(one, secret, params={"reveal": asked})).text
    twice = await plane.ask(f"{one}?reveal=false&reveal=true", secret)
    assert twice.status_code == 403 or may


async def test_the_audit_trail_names_the_key_that_acted(plane: Plane) -> None:
    secret = plane.secrets[Role.EDITOR, "valid"]
    added = await plane.ask(f"POST {TARGETS}", secret, json={"name": "Orla Venn", "mode": "shadow"})
    (key,) = [key for key in plane.service.registry.keys.list() if key.draft.name == "editor valid"]
    events = plane.service.registry.events(limit=1000)
    assert [event.actor for event in events if event.target_id == added.json()["id"]] == [key.id]
    assert plane.service.registry.first_broken_event() is None


def test_the_matrix_of_the_documentation_is_that_of_the_table() -> None:
    """`python -m serving.access.table` prints it."""
    assert "\n".join(matrix()) in (ROOT / "docs" / "admin-plane.md").read_text(encoding="utf-8")


def test_what_changes_targets_only_in_shadow_is_on_the_table() -> None:
    assert set(TABLE) >= SHADOW_ONLY


def _any(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}", "if-match": "*"}


def _code(response: httpx.Response) -> str:
    return str(response.json()["code"]) if response.is_error else ""


def _revision(plane: Plane, id: str) -> int:
    return plane.service.registry.get(id).revision
