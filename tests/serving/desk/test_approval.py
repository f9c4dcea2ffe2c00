"""Approval on the page of a target: what is proposed, and who may decide it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from guard.registry.approval.proposed import Person
from guard.registry.approval.rule import Approval
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.registry.search import EventSearch
from guard.targets.audit_log import Action
from guard.targets.target import Draft, Mode, State
from serving.http.asgi import App
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio
ADA = Draft(name="Ada Quillfeather", phrases=("the Mothwick ledger",))
ANNE = Person("ak_anne", "anne")
NEW = {
    "name": "Ada Quillfeather",
    "kind": "person",
    "mode": "enforce",
    "scope": "contextual",
    "methods": "guard",
    "variants": "close",
    "decoder": "sample",
    "quoted_words": "8",
}


@pytest.fixture
def service(service: Service) -> Service:
    service.registry.approvals.rule.write(Approval.FOUR_EYES)
    return service


async def signed_in(desk: App, service: Service, role: Role, name: str) -> Browser:
    new = service.registry.keys.create(KeyDraft(name=name, audience=Audience.ADMIN, role=role))
    service.keys.refresh()
    browser = Browser(httpx.AsyncClient(transport=httpx.ASGITransport(desk), base_url="http://desk"))
    assert (await browser.sign_in(new.secret)).status_code == 303
    return browser


async def test_an_editor_proposes_and_an_approver_approves(desk: App, service: Service) -> None:
    anne = await signed_in(desk, service, Role.EDITOR, "Anne")
    added = await anne.post("/ui/targets/add", NEW)
    assert added.status_code == 303
    page = (await anne.get(added.headers["location"])).text
    assert "waits for approval: nothing of it is enforced" in page
    assert "somebody else approves it" in page
    assert "/approve" not in page
    assert "What it forbids" in page
    bert = await signed_in(desk, service, Role.APPROVER, "Bert")
    assert "One change waits for approval" in (await bert.get("/ui")).text
    assert added.headers["location"] in (await bert.get("/ui/targets?state=proposed")).text
    assert "/approve" in (await bert.get(added.headers["location"])).text
    approved = await bert.post(f"{added.headers['location']}/approve", {"revision": "1"})
    assert approved.status_code == 303
    assert [target.state for target in service.registry.active()] == [State.ACTIVE]
    assert "proposed by ak_" in (await bert.get("/ui/audit")).text


async def test_a_key_of_the_same_name_is_offered_no_approval_and_refused_it(desk: App, service: Service) -> None:
    service.registry.approvals.add_one(ADA, ANNE)
    other = await signed_in(desk, service, Role.APPROVER, "ANNE")
    (target,) = service.registry.list().items
    assert "/approve" not in (await other.get(f"/ui/targets/{target.id}")).text
    assert (await other.post(f"/ui/targets/{target.id}/approve", {"revision": "1"})).status_code == 403
    assert service.registry.active() == []


async def test_the_difference_to_what_is_in_force_is_masked_until_it_is_revealed(
    browser: Browser, service: Service
) -> None:
    target = service.registry.add(ADA)
    changed = replace(ADA, phrases=(), basis="court", aliases=("Ada Mothwick",))
    service.registry.approvals.propose(target.id, changed, 1, ANNE)
    place = f"/ui/targets/{target.id}"
    page = (await browser.get(place)).text
    assert "ak_anne proposed to change it" in page
    assert "court" in page
    assert "Mothwick" not in page
    assert "change proposed" in (await browser.get("/ui/targets")).text
    await browser.post(f"{place}/reveal")
    page = (await browser.get(place)).text
    assert "<li>the Mothwick ledger</li>" in page
    assert "<li>Ada Mothwick</li>" in page
    assert (await browser.post(f"{place}/approve", {"revision": "1"})).status_code == 412
    assert (await browser.post(f"{place}/approve", {"revision": "2"})).status_code == 303
    assert service.registry.get(target.id).draft.aliases == ("Ada Mothwick",)


async def test_a_rejection_keeps_its_reason_on_the_page(browser: Browser, service: Service) -> None:
    target = service.registry.approvals.add_one(ADA, ANNE)
    place = f"/ui/targets/{target.id}"
    await browser.get(place)
    rejected = await browser.post(f"{place}/reject", {"revision": "1", "reason": "wrong <b>person</b>"})
    assert rejected.status_code == 303
    page = (await browser.get(place)).text
    assert "wrong &lt;b&gt;person&lt;/b&gt;" in page
    assert "rejected since" in page
    assert service.registry.get(target.id).state is State.REJECTED


async def test_a_revocation_is_proposed_and_the_target_stays(browser: Browser, service: Service) -> None:
    target = service.registry.add(ADA)
    place = f"/ui/targets/{target.id}"
    await browser.get(place)
    assert (await browser.post(f"{place}/revoke", {"revision": "1"})).status_code == 303
    assert "proposed to revoke it" in (await browser.get(place)).text
    assert service.registry.get(target.id).state is State.ACTIVE


async def test_no_decision_is_taken_without_the_token_of_the_session(browser: Browser, service: Service) -> None:
    target = service.registry.approvals.add_one(ADA, ANNE)
    for decision in ("approve", "reject"):
        sent = {"revision": "1", "csrf": "forged"}
        response = await browser.post(f"/ui/targets/{target.id}/{decision}", sent)
        assert response.status_code == 403
    assert service.registry.get(target.id).state is State.PROPOSED


async def test_a_version_is_gone_back_to_by_who_may_enforce(desk: App, service: Service, browser: Browser) -> None:
    service.registry.approvals.rule.write(Approval.NONE)
    target = service.registry.add(ADA)
    service.registry.change(target.id, replace(ADA, basis="court"), 1)
    page = (await browser.get("/ui/policy?from=1&to=2")).text
    assert "Basis" in page
    assert (await browser.post("/ui/policy/rollback", {"version": "1", "csrf": "forged"})).status_code == 403
    await browser.get("/ui/policy?from=1&to=2")
    went = await browser.post("/ui/policy/rollback", {"version": "1"})
    assert "1 as they were" in went.text
    assert service.registry.get(target.id).draft == ADA
    assert (await browser.post("/ui/policy/rollback", {"version": "99"})).status_code == 404
    auditor = await signed_in(desk, service, Role.AUDITOR, "Otto")
    assert "/rollback" not in (await auditor.get("/ui/policy?from=1")).text


async def test_a_page_is_shown_whose_proposed_change_would_have_ended_by_now(
    browser: Browser, service: Service
) -> None:
    target = service.registry.add(ADA)
    soon = datetime.now(UTC) + timedelta(milliseconds=80)
    service.registry.approvals.propose(target.id, replace(ADA, expires_at=soon), 1, ANNE)
    while datetime.now(UTC) <= soon:
        pass
    page = await browser.get(f"/ui/targets/{target.id}")
    assert page.status_code == 200
    assert "/reject" in page.text
    assert (await browser.post(f"/ui/targets/{target.id}/reject", {"revision": "2"})).status_code == 303


async def test_what_a_trial_shows_of_a_proposed_target_is_noted_as_revealed(
    browser: Browser, service: Service
) -> None:
    target = service.registry.approvals.add_one(ADA, ANNE)
    place = f"/ui/targets/{target.id}"
    await browser.get(place)
    await browser.post(f"{place}/try", {"prompt": "Who wrote the Mothwick ledger?"})
    noted = EventSearch(action=Action.REVEALED, target_id=target.id)
    assert len(service.registry.latest_events(noted)) == 1
    await browser.post(f"{place}/reveal")
    await browser.post(f"{place}/try", {"prompt": "Who wrote the Mothwick ledger?"})
    assert len(service.registry.latest_events(noted)) == 2


async def test_one_that_somebody_else_changes_does_not_keep_other_chosen_ones_from_being_revoked(
    browser: Browser, service: Service
) -> None:
    names = ("Ay", "Bee", "Cee")
    first, taken, last = service.registry.add_many([Draft(name=f"Person {name}") for name in names])
    quiet = service.registry.add(Draft(name="Person Dee", mode=Mode.SHADOW))
    service.registry.approvals.propose(taken.id, None, 1, ANNE)
    await browser.get("/ui/targets")
    sent = {"chosen": [first.id, taken.id, last.id, quiet.id], "back": "/ui/targets", "confirmed": "yes"}
    assert (await browser.post("/ui/targets/revoke", sent)).status_code == 303
    page = (await browser.get("/ui/targets")).text
    assert "One target is revoked." in page
    assert "The end of 2 targets is proposed" in page
    assert "One target stays as it is" in page
    changes = service.registry.approvals.changes([first.id, taken.id, last.id])
    assert [changes[id].proposer.actor for id in (first.id, taken.id, last.id)] == ["admin", "ak_anne", "admin"]
    assert service.registry.get(quiet.id).state is State.REVOKED
