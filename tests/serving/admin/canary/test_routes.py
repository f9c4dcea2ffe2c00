"""Canary shares over HTTP: set, compared, promoted, under roles and approval."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from guard.detection.detector import TouchedBy
from guard.policy.plan import PlanKind
from guard.registry.approval.rule import Approval
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.targets.target import Mode
from serving.telemetry.verdict_log import Verdict
from tests.serving.admin_plane import KEY, URL, Plane

pytestmark = pytest.mark.anyio
TARGETS = "/admin/v1/targets"
ADA = {"name": "Ada Quillfeather", "mode": "shadow"}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    yield plane
    plane.registry.close()


@pytest.fixture
async def http(plane: Plane) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {KEY}"}
    transport = httpx.ASGITransport(plane.app())
    async with httpx.AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
        yield client


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


async def added(http: httpx.AsyncClient, **more: object) -> str:
    response = await http.post(TARGETS, json={**ADA, **more})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def test_a_share_is_set_and_shown_and_taken_away(http: httpx.AsyncClient) -> None:
    one = f"{TARGETS}/{await added(http, canary=0.05)}"
    assert (await http.get(one)).json()["canary"] == 0.05
    for share in (0.2, None):
        changed = await http.patch(one, json={"canary": share}, headers={"if-match": "*"})
        assert (changed.status_code, changed.json()["canary"]) == (200, share)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, "nan", True])
async def test_a_share_lies_between_none_and_all(http: httpx.AsyncClient, share: object) -> None:
    refused = await http.post(TARGETS, json={**ADA, "canary": share})
    assert code(refused) == (422, "invalid_request")


async def test_an_enforced_target_has_no_share(http: httpx.AsyncClient) -> None:
    refused = await http.post(TARGETS, json={**ADA, "mode": "enforce", "canary": 0.5})
    assert code(refused) == (422, "canary_not_in_shadow")
    one = f"{TARGETS}/{await added(http, canary=0.5)}"
    refused = await http.patch(one, json={"mode": "enforce"}, headers={"if-match": "*"})
    assert code(refused) == (422, "canary_not_in_shadow")


async def test_promotion_enforces_for_all_and_ends_the_share(http: httpx.AsyncClient) -> None:
    one = f"{TARGETS}/{await added(http, canary=0.5)}"
    stale = await http.post(f"{one}:promote", headers={"if-match": '"7"'})
    assert code(stale) == (412, "stale_revision")
    promoted = await http.post(f"{one}:promote", headers={"if-match": '"1"'}, params={"wait": "applied"})
    assert (promoted.status_code, promoted.headers["etag"]) == (200, '"2"')
    assert (promoted.json()["mode"], promoted.json()["canary"]) == ("enforce", None)
    assert code(await http.post(f"{one}:promote")) == (409, "not_in_shadow")


async def test_both_sides_are_compared_by_their_verdicts(http: httpx.AsyncClient, plane: Plane) -> None:
    id, now = await added(http, canary=0.5), time.time()
    rows = [
        (Mode.ENFORCE, PlanKind.RESTRICT, TouchedBy.QUESTION, True),
        (Mode.ENFORCE, PlanKind.DECLINE, TouchedBy.ANSWER, True),
        (Mode.SHADOW, PlanKind.RESTRICT, TouchedBy.QUESTION, True),
        (Mode.SHADOW, PlanKind.RESTRICT, TouchedBy.QUESTION, False),
    ]
    plane.verdicts.add(
        [
            Verdict(now - n, f"r{n}", id, 1, 0.9, {}, kind, mode, touched_by=by, canary=canary)
            for n, (mode, kind, by, canary) in enumerate(rows)
        ]
    )
    sides = (await http.get(f"{TARGETS}/{id}/canary")).json()
    assert (sides["target_id"], sides["share"]) == (id, 0.5)
    assert sides["enforced"].pop("since") > sides["shadow"].pop("since")
    assert sides["enforced"] == {
        "requests": 2,
        "declined": 1,
        "said": 1,
        "plans": {"restrict": 1, "decline": 1},
    }
    assert sides["shadow"] == {"requests": 1, "declined": 0, "said": 0, "plans": {"restrict": 1}}
    (listed,) = (await http.get("/admin/v1/verdicts", params={"limit": 1})).json()["verdicts"]
    assert listed["canary"] is False


async def test_a_target_that_nothing_touched_has_nothing_to_compare(http: httpx.AsyncClient) -> None:
    sides = (await http.get(f"{TARGETS}/{await added(http)}/canary")).json()
    nothing = {"requests": 0, "declined": 0, "said": 0, "plans": {}, "since": None}
    assert (sides["share"], sides["enforced"], sides["shadow"]) == (None, nothing, nothing)
    assert code(await http.get(f"{TARGETS}/ft_0/canary")) == (404, "unknown_target")


async def test_an_editor_neither_sets_a_share_nor_changes_a_target_with_one(
    http: httpx.AsyncClient, plane: Plane
) -> None:
    secret = plane.keys.store.create(KeyDraft(name="anne", audience=Audience.ADMIN, role=Role.EDITOR)).secret
    plane.keys.refresh()
    editor = {"authorization": f"Bearer {secret}", "if-match": "*"}
    plain, shared = f"{TARGETS}/{await added(http)}", f"{TARGETS}/{await added(http, name='Bo Lark', canary=0.5)}"
    refused = (403, "needs_approver")
    assert code(await http.patch(plain, json={"canary": 0.5}, headers=editor)) == refused
    assert code(await http.post(TARGETS, json={**ADA, "name": "Cy", "canary": 0.5}, headers=editor)) == refused
    assert code(await http.patch(shared, json={"canary": None}, headers=editor)) == refused
    assert code(await http.delete(shared, headers=editor)) == refused
    assert code(await http.post(f"{plain}:promote", headers=editor)) == (403, "not_allowed")
    assert (await http.patch(plain, json={"basis": "court"}, headers=editor)).status_code == 200


async def test_a_share_and_its_promotion_wait_for_a_second_person(http: httpx.AsyncClient, plane: Plane) -> None:
    plane.registry.approvals.rule.write(Approval.FOUR_EYES)
    one = f"{TARGETS}/{await added(http)}"
    proposed = (await http.patch(one, json={"canary": 0.5}, headers={"if-match": "*"})).json()
    assert (proposed["canary"], proposed["proposed"]["change"]) == (None, "change")
    secret = plane.keys.store.create(KeyDraft(name="bo", audience=Audience.ADMIN, role=Role.APPROVER)).secret
    plane.keys.refresh()
    approver = {"authorization": f"Bearer {secret}"}
    seen = {**approver, "if-match": f'"{proposed["proposed"]["revision"]}"'}
    assert (await http.post(f"{one}:approve", headers=seen)).json()["canary"] == 0.5
    promoted = (await http.post(f"{one}:promote", headers=approver)).json()
    assert (promoted["mode"], promoted["canary"], promoted["proposed"]["change"]) == ("shadow", 0.5, "change")
    new = await http.post(TARGETS, json={**ADA, "name": "Cy Lark", "canary": 0.5})
    assert new.json()["state"] == "proposed"
