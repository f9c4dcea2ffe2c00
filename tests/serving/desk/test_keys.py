from __future__ import annotations

import re

import httpx
import pytest

from guard.registry.approval.rule import Approval
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.targets.audit_log import acting_as
from guard.targets.target import Draft, Mode
from serving.access.rights import RIGHTS, Right
from serving.access.table import DESK
from serving.http.asgi import App
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio
TARGET = {"name": "Ada Quillfeather", "kind": "person", "mode": "shadow", "scope": "contextual"}


async def signed_in(desk: App, service: Service, role: Role) -> Browser:
    new = service.registry.keys.create(KeyDraft(name=f"of {role}", audience=Audience.ADMIN, role=role))
    service.keys.refresh()
    browser = Browser(httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="http://desk"))
    assert (await browser.sign_in(new.secret)).status_code == 303
    return browser


async def test_a_key_is_created_shown_once_rotated_and_revoked(browser: Browser, service: Service) -> None:
    await browser.get("/ui/keys")
    sent = {"name": "Dashboard <b>", "audience": "admin", "role": "reader", "tags": "ignored"}
    created = await browser.post("/ui/keys", sent)
    (secret,) = re.findall(r'id="secret">(lethe_admin_[\w-]+)<', created.text)
    assert "Dashboard &lt;b&gt;" in created.text
    assert service.keys.find(secret, Audience.ADMIN) is not None
    assert secret not in (await browser.get("/ui/keys")).text
    (key,) = service.registry.keys.list()
    rotated = await browser.post(f"/ui/keys/{key.id}/rotate", {"now": "yes"})
    (other,) = re.findall(r'id="secret">(lethe_admin_[\w-]+)<', rotated.text)
    assert service.keys.find(secret, Audience.ADMIN) is None
    assert service.keys.find(other, Audience.ADMIN) is not None
    assert (await browser.post(f"/ui/keys/{key.id}/revoke")).status_code == 303
    assert service.keys.find(other, Audience.ADMIN) is None
    assert "revoked" in (await browser.get("/ui/keys")).text


async def test_a_client_key_gets_its_policy_set(browser: Browser, service: Service) -> None:
    await browser.get("/ui/keys")
    sent = {
        "name": "chat",
        "audience": "client",
        "tags": "eu, staff",
        "requests_per_minute": "60",
        "role": "reader",
    }
    assert (await browser.post("/ui/keys", sent)).status_code == 200
    (key,) = service.registry.keys.list()
    assert (key.draft.tags, key.draft.requests_per_minute, key.draft.role) == (("eu", "staff"), 60, None)


async def test_who_switched_approval_stands_among_what_was_done_last(
    desk: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.desk.pages.keys.LATEST_EVENTS", 2)
    with acting_as("command:<b>anne"):
        service.registry.approvals.rule.write(Approval.FOUR_EYES)
        service.registry.approvals.rule.write(Approval.NONE)
    otto = await signed_in(desk, service, Role.AUDITOR)
    page = (await otto.get("/ui/keys")).text
    last = re.findall(r"<td>([^<]*)</td><td class=\"id\">([^<]*)</td><td>([^<]*)</td>", page)
    (key,) = service.registry.keys.list()
    assert last == [
        ("created", key.id, "admin"),
        ("approval by a second person switched off", "–", "command:&lt;b&gt;anne"),
    ]


async def test_a_faulty_key_is_not_created_and_the_form_stays_as_it_was(
    browser: Browser, service: Service
) -> None:
    await browser.get("/ui/keys")
    refused = await browser.post("/ui/keys", {"name": "chat", "audience": "client", "requests_per_minute": "none"})
    assert refused.status_code == 422
    assert 'value="chat"' in refused.text
    assert service.registry.keys.list() == []


@pytest.mark.parametrize("role", Role)
async def test_every_page_and_form_respects_the_role(desk: App, service: Service, role: Role) -> None:
    browser = await signed_in(desk, service, role)
    target = service.registry.add(Draft(name="Ada Quillfeather"))
    for route, right in DESK.items():
        method, _, path = route.partition(" ")
        if right is None:
            continue
        path = re.sub(r"\{\w+\}", target.id if "targets" in path else "none", path)
        asked = await (browser.get(path) if method == "GET" else browser.post(path))
        assert (asked.status_code == 403) is (right not in RIGHTS[role]) or "needs_approver" in asked.text, route


@pytest.mark.parametrize("role", Role)
async def test_no_page_offers_what_its_reader_may_not_do(desk: App, service: Service, role: Role) -> None:
    browser = await signed_in(desk, service, role)
    target = service.registry.add(Draft(name="Ada Quillfeather", mode=Mode.SHADOW))
    for page in ("/ui", "/ui/targets", f"/ui/targets/{target.id}", f"/ui/targets/{target.id}/elicitation"):
        shown = (await browser.get(page)).text
        places = {("POST", place) for place in re.findall(r'(?:form)?action="(/ui[^"]*)"', shown)}
        places |= {("GET", place.partition("?")[0]) for place in re.findall(r'href="(/ui[^"]*)"', shown)}
        for method, place in places:
            route = f"{method} {place.replace(target.id, '{id}')}"
            right = DESK.get(route) or DESK.get(route.replace("POST", "GET"))
            assert right is None or right in RIGHTS[role], (page, route)


async def test_a_reader_finds_no_name_by_a_part_of_it(desk: App, service: Service) -> None:
    reader = await signed_in(desk, service, Role.READER)
    service.registry.add(Draft(name="Ada Quillfeather"))
    assert (await reader.get("/ui/targets?q=nobody")).text.count("ft_") == (
        await reader.get("/ui/targets?q=quillf")
    ).text.count("ft_")


async def test_an_editor_is_told_what_takes_an_approver(desk: App, service: Service) -> None:
    editor = await signed_in(desk, service, Role.EDITOR)
    enforced = service.registry.add(Draft(name="Brisa Tane"))
    page = (await editor.get(f"/ui/targets/{enforced.id}")).text
    assert "approvers change and revoke it" in page
    assert (await editor.post(f"/ui/targets/{enforced.id}/revoke", {"revision": "1"})).status_code == 403
    await editor.get("/ui/targets")
    sent = {"chosen": enforced.id, "confirmed": "yes", "back": "/ui/targets"}
    assert (await editor.post("/ui/targets/revoke", sent)).status_code == 403
    refused = await editor.post("/ui/targets/add", {**TARGET, "mode": "enforce", **_rest()})
    assert refused.status_code == 422
    assert "changed by approvers" in refused.text
    assert [target.id for target in service.registry.active()] == [enforced.id]
    stored = await editor.post("/ui/targets/add", {**TARGET, **_rest()})
    assert stored.status_code == 303
    (added,) = [event for event in service.registry.events() if event.target_id != enforced.id]
    assert added.actor == service.registry.keys.list()[0].id


async def test_a_session_ends_with_the_key_that_began_it(desk: App, service: Service) -> None:
    browser = await signed_in(desk, service, Role.AUDITOR)
    (key,) = service.registry.keys.list()
    service.registry.keys.revoke(key.id)
    service.keys.refresh()
    assert (await browser.get("/ui")).headers["location"].startswith("/ui/sign-in")


async def test_a_client_key_signs_nobody_in(stranger: Browser, service: Service) -> None:
    new = service.registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT))
    service.keys.refresh()
    assert (await stranger.sign_in(new.secret)).status_code == 401


def test_owners_of_rights_are_those_of_the_table() -> None:
    assert {role for role in Role if Right.KEYS in RIGHTS[role]} == set()


def _rest() -> dict[str, object]:
    return {"variants": "close", "decoder": "sample", "quoted_words": "8", "methods": "guard"}


@pytest.mark.parametrize(("overlap_s", "status"), [(0, 303), (3600, 200)])
async def test_a_session_ends_with_the_secret_that_began_it(
    desk: App, service: Service, overlap_s: float, status: int
) -> None:
    reader = await signed_in(desk, service, Role.READER)
    (key,) = service.registry.keys.list()
    new = service.registry.keys.rotate(key.id, overlap_s)
    service.keys.refresh()
    assert (await reader.get("/ui/targets")).status_code == status
    again = Browser(httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="http://desk"))
    await again.sign_in(new.secret)
    assert (await again.get("/ui/targets")).status_code == 200
