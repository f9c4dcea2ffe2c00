"""Approval over HTTP: under `four_eyes`, no change of what is enforced comes into force by one person alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from guard.errors import StaleRevision
from guard.registry.approval.proposed import Person
from guard.registry.approval.rule import Approval
from guard.registry.history.versions import Step
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.registry.registry import Registry
from guard.targets.target import Draft, Mode, State
from serving.access.rights import RIGHTS, Caller, Right
from serving.admin.app import create_admin
from serving.approval.changes import TargetChanges
from tests.serving.admin.conftest import ADA, KEY, TARGETS, TEXTS, Service

pytestmark = pytest.mark.anyio
BATCH = f"{TARGETS}:batch"


class Plane:
    """The admin plane under `four_eyes`, and a key each of some people."""

    def __init__(self, path: Path) -> None:
        self.service = Service(path / "registry.db")
        self.service.registry.approvals.rule.write(Approval.FOUR_EYES)
        self.app = create_admin(self.service, SecretStr(KEY))  # type: ignore[arg-type]
        self.keys = {
            "anne": self._key("Anne Marlow", Role.EDITOR),
            "anne, with another key": self._key("anne  MARLOW", Role.APPROVER),
            "bert": self._key("Bert Ode", Role.APPROVER),
            "cleo": self._key("Cleo Fairweather", Role.EDITOR),
            "owner": KEY,
        }
        self.service.keys.refresh()

    def _key(self, name: str, role: Role) -> str:
        draft = KeyDraft(name=name, audience=Audience.ADMIN, role=role)
        return self.service.registry.keys.create(draft).secret

    async def ask(
        self, who: str, method: str, path: str, revision: int | None = None, **more: Any
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys[who]}"}
        if revision is not None:
            headers["if-match"] = f'"{revision}"'
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://admin", headers=headers) as client:
            return await client.request(method, path, **more)

    async def add(self, who: str = "anne", **members: Any) -> str:
        added = await self.ask(who, "POST", TARGETS, json={"name": "Ada Quillfeather", **members})
        assert added.status_code == 201, added.text
        return str(added.json()["id"])

    async def approved(self, **members: Any) -> str:
        id = await self.add(**members)
        assert (await self.ask("bert", "POST", f"{TARGETS}/{id}:approve", 1)).status_code == 200
        return id

    def active(self) -> list[str]:
        return [target.id for target in self.service.registry.active()]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    with closing(plane.service.registry):
        yield plane


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


async def test_what_an_editor_adds_is_proposed_and_an_approver_brings_it_into_force(plane: Plane) -> None:
    added = await plane.ask("anne", "POST", TARGETS, json=ADA, params={"wait": "applied"})
    assert (added.status_code, added.headers["etag"]) == (201, '"1"')
    one = f"{TARGETS}/{added.json()['id']}"
    assert added.json()["state"] == "proposed"
    proposed = added.json()["proposed"]
    assert (proposed["change"], proposed["state"], proposed["revision"]) == ("add", "open", 1)
    assert added.json()["forbidden"]
    assert plane.active() == []
    listed = (await plane.ask("cleo", "GET", TARGETS, params={"state": "proposed"})).json()["targets"]
    assert [target["proposed"] for target in listed] == [proposed]
    approved = await plane.ask("bert", "POST", f"{one}:approve", 1, params={"wait": "applied"})
    assert (approved.status_code, approved.json()["state"], approved.json()["proposed"]) == (200, "active", None)
    assert plane.active() == [added.json()["id"]]
    events = (await plane.ask("bert", "GET", "/admin/v1/audit")).json()
    assert [(e["action"], bool(e["proposer"])) for e in events["events"]] == [
        ("proposed", False),
        ("approved", True),
        ("added", True),
    ]
    assert events["events"][2]["proposer"] == events["events"][0]["actor"] != events["events"][2]["actor"]
    assert events["first_broken"] is None


@pytest.mark.parametrize(
    ("who", "refused"),
    [
        ("anne", (403, "not_allowed")),
        ("cleo", (403, "not_allowed")),
        ("anne, with another key", (403, "not_second_person")),
    ],
)
async def test_neither_the_proposer_nor_an_editor_approves(
    plane: Plane, who: str, refused: tuple[int, str]
) -> None:
    id = await plane.add()
    assert code(await plane.ask(who, "POST", f"{TARGETS}/{id}:approve", 1)) == refused
    assert plane.active() == []


async def test_the_owner_is_one_person_like_others(plane: Plane) -> None:
    id = await plane.add("owner")
    assert code(await plane.ask("owner", "POST", f"{TARGETS}/{id}:approve", 1)) == (403, "not_second_person")
    assert (await plane.ask("bert", "POST", f"{TARGETS}/{id}:approve", 1)).status_code == 200


def test_a_token_of_the_name_of_a_key_is_the_same_person() -> None:
    key = Caller("key_1", RIGHTS[Role.EDITOR], "key_1", name="anne@example.org")
    token = Caller("oidc:Anne@example.org", RIGHTS[Role.APPROVER], name="Anne@example.org")
    assert key.person.identity == token.person.identity
    assert key.person.actor != token.person.actor


async def test_an_approval_names_what_was_seen(plane: Plane) -> None:
    id = await plane.add()
    one = f"{TARGETS}/{id}"
    assert code(await plane.ask("bert", "POST", f"{one}:approve")) == (428, "precondition_required")
    blind = await plane.ask("bert", "POST", f"{one}:approve", headers={"if-match": "*"})
    assert code(blind) == (428, "precondition_required")
    changed = await plane.ask("anne", "PATCH", one, 1, json={"aliases": ["Ada Q. Feather"]})
    assert (changed.json()["state"], changed.headers["etag"]) == ("proposed", '"2"')
    assert code(await plane.ask("bert", "POST", f"{one}:approve", 1)) == (412, "stale_revision")
    assert (await plane.ask("bert", "POST", f"{one}:approve", 2)).status_code == 200


async def test_a_change_of_an_enforced_target_is_shown_with_its_difference_and_masked(plane: Plane) -> None:
    id = await plane.approved()
    one = f"{TARGETS}/{id}"
    changed = await plane.ask(
        "anne", "PATCH", one, 1, json={"aliases": ["Mothwick"], "basis": "court"}, params={"wait": "applied"}
    )
    assert (changed.status_code, changed.json()["aliases"], changed.headers["etag"]) == (200, [], '"1"')
    assert changed.json()["proposed"]["revision"] == 2
    seen = await plane.ask("bert", "GET", f"{one}/proposed")
    assert seen.headers["etag"] == '"2"'
    assert seen.json()["differences"] == [
        {"member": "aliases", "removed": [], "added": ["••• (8 characters)"]},
        {"member": "basis", "removed": [""], "added": ["court"]},
        {"member": "forbidden", "removed": [], "added": ["••• (8 characters)"]},
    ]
    assert not any(text in seen.text for text in TEXTS)
    shown = await plane.ask("bert", "GET", f"{one}/proposed", params={"reveal": "true"})
    assert "Mothwick" in shown.json()["target"]["forbidden"]
    approved = await plane.ask("bert", "POST", f"{one}:approve", 2, params={"reveal": "true"})
    assert approved.json()["aliases"] == ["Mothwick"]
    assert code(await plane.ask("bert", "GET", f"{one}/proposed")) == (404, "unknown_target")


@pytest.mark.parametrize("change", [{"mode": "shadow"}, {"phrases": []}, {"methods": ["decline"]}])
async def test_making_less_forbidden_takes_a_second_person_too(plane: Plane, change: dict[str, Any]) -> None:
    id = await plane.approved(phrases=["Mothwick"])
    before = plane.service.registry.get(id)
    changed = await plane.ask("bert", "PATCH", f"{TARGETS}/{id}", 1, json=change)
    assert changed.json()["proposed"]["change"] == "change"
    assert plane.service.registry.get(id) == before


async def test_a_change_that_changes_nothing_is_answered_as_unchanged_and_proposes_nothing(plane: Plane) -> None:
    id = await plane.approved(aliases=["Mothwick"])
    one, events = f"{TARGETS}/{id}", plane.service.registry.events()
    for who, body in (("anne", {}), ("bert", {"aliases": ["Mothwick"], "mode": "enforce"})):
        unchanged = await plane.ask(who, "PATCH", one, 1, json=body, params={"wait": "applied"})
        assert (unchanged.status_code, unchanged.headers["etag"]) == (200, '"1"')
        assert unchanged.json()["proposed"] is None
    assert code(await plane.ask("anne", "PATCH", one, 2, json={})) == (412, "stale_revision")
    assert plane.service.registry.events() == events


async def test_what_is_proposed_stays_so_where_a_change_changes_nothing(plane: Plane) -> None:
    id = await plane.approved()
    one = f"{TARGETS}/{id}"
    await plane.ask("anne", "PATCH", one, 1, json={"basis": "court"})
    unchanged = await plane.ask("anne", "PATCH", one, 1, json={"basis": ""})
    assert (unchanged.status_code, unchanged.json()["proposed"]["revision"]) == (200, 2)
    new = f"{TARGETS}/{await plane.add(name='Bo Quill')}"
    assert (await plane.ask("anne", "PATCH", new, 1, json={"name": "Bo Quill"})).headers["etag"] == '"1"'
    assert (await plane.ask("anne", "PATCH", new, 1, json={"basis": "court"})).headers["etag"] == '"2"'


async def test_an_end_is_proposed_and_the_target_is_enforced_until_it_is_approved(plane: Plane) -> None:
    id = await plane.approved()
    one = f"{TARGETS}/{id}"
    ended = await plane.ask("bert", "DELETE", one)
    assert (ended.status_code, ended.json()["proposed"]["change"]) == (202, "revoke")
    assert plane.active() == [id]
    assert (await plane.ask("bert", "GET", f"{one}/proposed")).json()["target"] is None
    assert code(await plane.ask("bert", "POST", f"{one}:approve", 2)) == (403, "not_second_person")
    approved = await plane.ask("owner", "POST", f"{one}:approve", 2)
    assert (approved.json()["state"], approved.json()["name"]) == ("revoked", "")


async def test_what_is_in_shadow_needs_nobody_else_and_to_enforce_it_does(plane: Plane) -> None:
    id = await plane.add(mode="shadow")
    one = f"{TARGETS}/{id}"
    assert plane.active() == [id]
    assert (await plane.ask("cleo", "PATCH", one, 1, json={"basis": "trial"})).json()["revision"] == 2
    enforced = await plane.ask("cleo", "PATCH", one, 2, json={"mode": "enforce"})
    assert (enforced.json()["mode"], enforced.json()["proposed"]["revision"]) == ("shadow", 3)
    approved = await plane.ask("bert", "POST", f"{one}:approve", 3)
    assert (approved.json()["mode"], approved.json()["revision"]) == ("enforce", 3)


async def test_a_rejection_says_why_and_ends_what_was_proposed(plane: Plane) -> None:
    id = await plane.add()
    one = f"{TARGETS}/{id}"
    assert code(await plane.ask("cleo", "POST", f"{one}:reject", 1)) == (403, "needs_approver")
    too_long = await plane.ask("bert", "POST", f"{one}:reject", 1, json={"reason": "x" * 257})
    assert too_long.status_code == 422
    rejected = await plane.ask("bert", "POST", f"{one}:reject", 1, json={"reason": "wrong person"})
    assert (rejected.json()["state"], rejected.json()["name"]) == ("rejected", "")
    assert rejected.json()["proposed"]["reason"] == "wrong person"
    assert code(await plane.ask("owner", "POST", f"{one}:approve", 1)) == (409, "nothing_proposed")
    listed = (await plane.ask("anne", "GET", TARGETS, params={"state": "rejected"})).json()["targets"]
    assert [target["proposed"]["reason"] for target in listed] == ["wrong person"]


async def test_an_editor_takes_back_what_they_proposed(plane: Plane) -> None:
    id = await plane.add()
    assert (await plane.ask("anne", "DELETE", f"{TARGETS}/{id}")).status_code == 204
    assert plane.service.registry.get(id).state is State.REJECTED


async def test_an_approver_enforces_in_an_emergency_and_another_one_confirms(plane: Plane) -> None:
    urgent = {"urgent": "true", "wait": "applied"}
    assert code(await plane.ask("anne", "POST", TARGETS, json=ADA, params=urgent)) == (403, "not_allowed")
    added = await plane.ask("bert", "POST", TARGETS, json=ADA, params=urgent)
    id = added.json()["id"]
    assert (added.json()["state"], added.json()["proposed"]["state"]) == ("active", "open")
    assert plane.active() == [id]
    assert code(await plane.ask("bert", "POST", f"{TARGETS}/{id}:approve", 1)) == (403, "not_second_person")
    confirmed = await plane.ask("owner", "POST", f"{TARGETS}/{id}:approve", 1)
    assert (confirmed.json()["state"], confirmed.json()["proposed"]) == ("active", None)


async def test_what_nobody_has_confirmed_yet_ends_by_one_word(plane: Plane) -> None:
    added = await plane.ask("bert", "POST", TARGETS, json=ADA, params={"urgent": "true"})
    id = added.json()["id"]
    assert code(await plane.ask("cleo", "DELETE", f"{TARGETS}/{id}")) == (403, "needs_approver")
    assert (await plane.ask("owner", "DELETE", f"{TARGETS}/{id}")).status_code == 204
    assert plane.active() == []


async def test_of_an_import_what_is_enforced_waits(plane: Plane) -> None:
    rows = [{"name": "Bo Quill"}, {"name": "Cy Quill", "mode": "shadow"}]
    stored = await plane.ask("anne", "POST", BATCH, json={"targets": rows}, params={"wait": "applied"})
    ids = stored.json()["ids"]
    assert (stored.status_code, stored.json()["proposed"]) == (201, ids[:1])
    assert plane.active() == ids[1:]
    again = await plane.ask("anne", "POST", BATCH, json={"targets": rows}, params={"skip_existing": "true"})
    assert (again.json()["ids"], again.json()["existing"]) == ([], ids)
    twice = await plane.ask("bert", "POST", BATCH, json={"targets": rows[:1]})
    assert code(twice) == (409, "duplicate_target")


async def test_somebody_else_s_change_is_decided_before_the_next(plane: Plane) -> None:
    id = await plane.add()
    one = f"{TARGETS}/{id}"
    other = await plane.ask("cleo", "PATCH", one, 1, json={"basis": "court"})
    assert code(other) == (409, "already_proposed")


async def test_without_four_eyes_all_is_as_before_and_what_waits_is_still_decided(plane: Plane) -> None:
    waiting = await plane.add()
    plane.service.registry.approvals.rule.write(Approval.NONE)
    assert code(await plane.ask("anne", "POST", TARGETS, json={"name": "Bo Quill"})) == (403, "needs_approver")
    added = await plane.ask("bert", "POST", TARGETS, json={"name": "Bo Quill"}, params={"urgent": "true"})
    assert (added.json()["state"], added.json()["proposed"]) == ("active", None)
    assert (await plane.ask("bert", "POST", f"{TARGETS}/{waiting}:approve", 1)).status_code == 200
    assert plane.active() == [waiting, added.json()["id"]]


async def test_what_is_proposed_is_neither_elicited_nor_counted_as_enforced(plane: Plane) -> None:
    id = await plane.add()
    assert code(await plane.ask("bert", "POST", f"{TARGETS}/{id}:elicit")) == (404, "unknown_target")
    assert (await plane.ask("anne", "GET", "/admin/v1/policy")).json()["targets"]["proposed"] == 1


def test_what_the_model_was_found_to_say_is_proposed_as_well(tmp_path: Path) -> None:
    with closing(Registry(tmp_path / "registry.db")) as registry:
        target = registry.add(Draft(name="Ada Quillfeather"))
        registry.approvals.rule.write(Approval.FOUR_EYES)
        changes = TargetChanges(registry)
        caller = Caller("key_1", frozenset({Right.EDIT}), name="Anne Marlow")
        changed = changes.change(caller, target, Draft(name="Ada Quillfeather", aliases=("Mothwick",)))
        assert changed == registry.get(target.id) == target
        change = registry.approvals.change(target.id)
        assert change is not None
        assert change.draft is not None
        assert change.draft.aliases == ("Mothwick",)


def caller(plane: Plane, who: str) -> Caller:
    return Caller(f"ak_{who}", RIGHTS[Role.APPROVER], name=who)


def test_nobody_ends_alone_what_was_enforced_while_they_asked_for_it(plane: Plane) -> None:
    registry, changes = plane.service.registry, plane.service.changes
    quiet = registry.add(Draft(name="Ada Quillfeather", mode=Mode.SHADOW))
    changes.change(caller(plane, "anne"), quiet, replace(quiet.draft, mode=Mode.ENFORCE))
    changes.approve(caller(plane, "bert"), quiet.id, 2)
    # Bert has asked for its end while it was in shadow, and named no revision.
    with pytest.raises(StaleRevision):
        changes.revoke(caller(plane, "bert"), quiet, is_exact=False)
    assert [one.draft.mode for one in registry.active()] == [Mode.ENFORCE]


def test_a_target_that_changes_during_a_rollback_does_not_stop_the_others(plane: Plane) -> None:
    registry, changes = plane.service.registry, plane.service.changes
    changed, ended, still = registry.add_many([Draft(name=f"Person {name}") for name in ("Ay", "Bee", "Cee")])
    steps = [Step(target, None) for target in (changed, ended, still)]
    registry.change(changed.id, replace(changed.draft, basis="court"), 1)
    registry.revoke(ended.id)
    done = changes.go_back(caller(plane, "anne"), steps)
    assert (done.proposed, done.refused) == ([still.id], [changed.id, ended.id])


async def test_a_change_whose_end_has_passed_is_still_shown_and_can_be_rejected(plane: Plane) -> None:
    id = await plane.approved()
    soon = datetime.now(UTC) + timedelta(milliseconds=80)
    plane.service.registry.approvals.propose(
        id, Draft(name="Ada Quillfeather", expires_at=soon), 1, Person("ak_anne", "anne")
    )
    while datetime.now(UTC) <= soon:
        pass
    shown = await plane.ask("bert", "GET", f"{TARGETS}/{id}/proposed")
    assert shown.status_code == 200, shown.text
    assert [one["member"] for one in shown.json()["differences"]] == ["expires_at"]
    assert code(await plane.ask("bert", "POST", f"{TARGETS}/{id}:approve", 2))[0] == 422
    assert (await plane.ask("bert", "POST", f"{TARGETS}/{id}:reject", 2)).status_code == 200
