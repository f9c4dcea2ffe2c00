"""Both clients against a real admin plane on stand-ins."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

import serving.client
from serving.client import (
    AdminClient,
    AsyncAdminClient,
    Conflict,
    InvalidRequest,
    NotFound,
    NotPermitted,
    Refused,
    StaleRevision,
    Unavailable,
)
from serving.client.requests import TargetDraft
from tests.serving.admin_plane import KEY, URL, Plane, client_of

ADA: TargetDraft = {"name": "Ada Quillfeather", "facts": [{"answer": "She wrote The Glass Orchard."}]}


@pytest.fixture
def admin(plane: Plane) -> AdminClient:
    return client_of(plane)


@pytest.fixture
async def asynchronous(plane: Plane) -> AsyncIterator[AsyncAdminClient]:
    async with AsyncAdminClient(URL, KEY, transport=httpx.ASGITransport(plane.app())) as client:
        yield client


def test_a_target_is_previewed_added_read_changed_and_revoked(admin: AdminClient) -> None:
    preview = admin.preview(ADA, reveal=True)
    assert {reason.phrase for reason in preview.reasons} == set(preview.forbidden)
    stored = admin.add(ADA)
    assert (stored.name, stored.state, stored.revision) == ("••• (16 characters)", "active", 1)
    assert admin.get(stored.id, reveal=True).facts[0].answer == "She wrote The Glass Orchard."
    assert admin.change(stored.id, {"mode": "shadow"}, 1).mode == "shadow"
    with pytest.raises(StaleRevision) as stale:
        admin.change(stored.id, {"mode": "enforce"}, 1)
    assert (stale.value.code, stale.value.status) == ("stale_revision", 412)
    assert admin.change(stored.id, {"mode": "enforce"}, None).revision == 3
    admin.revoke(stored.id, 3)
    with pytest.raises(NotFound, match="unknown_target"):
        admin.get(stored.id)
    assert [event.action for event in admin.events()] == ["added", "changed", "changed", "revoked"]


def test_targets_are_read_page_after_page(admin: AdminClient) -> None:
    ids = admin.add_many([{"name": f"Person {number} Quill"} for number in range(5)]).ids
    admin.revoke(ids[1])
    assert [target.id for target in admin.targets(page=2)] == list(ids)
    assert [target.id for target in admin.targets(state="active", page=2)] == [ids[0], *ids[2:]]
    assert len([*admin.events(page=1)]) == 6
    assert admin.event_page(limit=2).next_cursor == 2
    again = admin.add_many([{"name": "Person 0 Quill"}, {"name": "Person 9 Quill"}], skip_existing=True)
    assert (again.existing, len(again.ids)) == ((ids[0],), 1)


def test_what_is_observed_is_read(admin: AdminClient, plane: Plane) -> None:
    assert admin.check("Who is she?").matches[0].signals.name == 1.0
    assert admin.check([{"role": "user", "content": "Who is she?"}]).plan == "restrict"
    assert admin.policy().enforced == {"shadow": 1, "enforce": 2}
    assert admin.replicas().replicas == ()
    assert [*admin.verdicts()] == []
    assert "lethe_" in admin.metrics()
    assert admin.description()["info"]["title"] == "Lethe admin plane"
    assert admin.live().status == admin.ready().status == "ok"
    plane.reason = "the engine is starting"
    with pytest.raises(Unavailable) as unready:
        admin.ready()
    assert (unready.value.code, unready.value.detail) == ("not_ready", "the engine is starting")


def test_a_refusal_says_what_is_wrong_with_which_member(admin: AdminClient, plane: Plane) -> None:
    with pytest.raises(InvalidRequest) as refused:
        admin.add({"name": "!", "facts": [{"answer": "x", "nmae": "y"}]})  # type: ignore[typeddict-unknown-key]
    assert refused.value.faults.keys() == {"name", "facts[0].nmae"}
    admin.add(ADA)
    with pytest.raises(Conflict, match="duplicate_target"):
        admin.add(ADA)
    with pytest.raises(Conflict, match="engine_is_remote"):
        admin.assistants()
    with pytest.raises(NotPermitted, match="invalid_admin_key"):
        client_of(plane, "another key").policy()


def test_an_id_is_one_part_of_a_path(admin: AdminClient) -> None:
    with pytest.raises(Refused) as refused:
        admin.get("../policy?reveal=true")
    assert refused.value.status == 404


async def test_the_asynchronous_client_does_the_same(asynchronous: AsyncAdminClient) -> None:
    stored = await asynchronous.add(ADA)
    await asynchronous.add({"name": "Bo Quill"})
    assert (await anext(aiter(asynchronous.targets(page=1)))).id == stored.id
    with pytest.raises(StaleRevision):
        await asynchronous.change(stored.id, {"mode": "shadow"}, 7)
    await asynchronous.revoke(stored.id)
    assert [event.action async for event in asynchronous.events()] == ["added", "added", "revoked"]
    assert [verdict async for verdict in asynchronous.verdicts()] == []


def test_the_example_of_the_page_runs(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/client.md").read_text(encoding="utf-8")
    first, second = re.findall(r"```python\n(.*?)```", page, re.S)
    monkeypatch.setattr(serving.client, "AdminClient", lambda url, key: client_of(plane))
    exec(compile(first, "docs/client.md", "exec"), {})
    assert [event.action for event in client_of(plane).events()] == ["added", "changed", "revoked"]
    names: dict[str, object] = {}
    exec(compile(second, "docs/client.md", "exec"), names)
    assert "overdue" in names


def test_no_repr_shows_the_key_or_a_text(admin: AdminClient) -> None:
    shown = repr(admin.get(admin.add(ADA).id, reveal=True))
    assert "Quillfeather" not in shown
    assert "Orchard" not in shown
    secret = AdminClient("http://user:sesame@admin:81", "k-secret-key")
    assert repr(secret) == "AdminClient('http://admin:81')"
    for held in vars(secret).values():
        assert "k-secret-key" not in repr(held)
        assert "sesame" not in repr(held)
