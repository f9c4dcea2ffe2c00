"""A target in shadow is enforced for all conversations from its page, by who may, as any other change is."""

from __future__ import annotations

import pytest

from guard.registry.approval.rule import Approval
from guard.registry.keys.key import Role
from guard.targets.target import Draft, Mode
from serving.http.asgi import App
from tests.serving.desk.conftest import Browser, Service
from tests.serving.desk.test_approval import signed_in

pytestmark = pytest.mark.anyio
ADA = Draft(name="Ada Quillfeather", mode=Mode.SHADOW, canary=0.05)


@pytest.mark.parametrize("canary", [0.05, None])
async def test_a_target_in_shadow_is_enforced_for_all(
    browser: Browser, service: Service, canary: float | None
) -> None:
    target = service.registry.add(Draft(name=ADA.name, mode=Mode.SHADOW, canary=canary))
    place = f"/ui/targets/{target.id}"
    assert f'action="{place}/promote"' in (await browser.get(place)).text
    promoted = await browser.post(f"{place}/promote", {"revision": "1"})
    assert (promoted.status_code, promoted.headers["location"]) == (303, place)
    draft = service.registry.get(target.id).draft
    assert (draft.mode, draft.canary) == (Mode.ENFORCE, None)
    assert "/promote" not in (await browser.get(place)).text


async def test_it_is_the_revision_that_was_seen_that_is_enforced(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    for revision in ("2", "", "x", "*"):
        assert (await browser.post(f"/ui/targets/{target.id}/promote", {"revision": revision})).status_code == 412
    assert service.registry.get(target.id).draft == ADA


async def test_one_that_is_enforced_or_gone_is_not(browser: Browser, service: Service) -> None:
    enforced = service.registry.add(Draft(name="Bo Lark"))
    gone = service.registry.add(ADA)
    service.registry.revoke(gone.id)
    assert "/promote" not in (await browser.get(f"/ui/targets/{enforced.id}")).text
    assert "/promote" not in (await browser.get(f"/ui/targets/{gone.id}")).text
    assert (await browser.post(f"/ui/targets/{enforced.id}/promote", {"revision": "1"})).status_code == 409
    assert (await browser.post(f"/ui/targets/{gone.id}/promote", {"revision": "2"})).status_code == 404


async def test_by_four_eyes_it_is_proposed_and_a_second_person_enforces_it(
    browser: Browser, desk: App, service: Service
) -> None:
    target = service.registry.add(ADA)
    service.registry.approvals.rule.write(Approval.FOUR_EYES)
    place = f"/ui/targets/{target.id}"
    await browser.get(place)
    assert (await browser.post(f"{place}/promote", {"revision": "1"})).status_code == 303
    assert service.registry.get(target.id).draft == ADA
    assert "admin proposed to change it" in (await browser.get(place)).text
    bert = await signed_in(desk, service, Role.APPROVER, "Bert")
    await bert.get(place)
    assert (await bert.post(f"{place}/approve", {"revision": "2"})).status_code == 303
    draft = service.registry.get(target.id).draft
    assert (draft.mode, draft.canary) == (Mode.ENFORCE, None)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.READER, Role.AUDITOR])
async def test_who_may_not_enforce_is_not_offered_it_and_refused(desk: App, service: Service, role: Role) -> None:
    target = service.registry.add(ADA)
    other = await signed_in(desk, service, role, "Anne")
    assert "/promote" not in (await other.get(f"/ui/targets/{target.id}")).text
    assert (await other.post(f"/ui/targets/{target.id}/promote", {"revision": "1"})).status_code == 403
    assert service.registry.get(target.id).draft == ADA


async def test_it_takes_the_token_of_the_session(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    sent = {"revision": "1", "csrf": "forged"}
    assert (await browser.post(f"/ui/targets/{target.id}/promote", sent)).status_code == 403
    assert service.registry.get(target.id).draft == ADA
