"""Targets are stored, listed, changed and revoked."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.serving.admin.conftest import ADA, TARGETS, TEXTS, Service, refused

pytestmark = pytest.mark.anyio


async def test_a_target_is_stored_and_its_phrases_come_back_for_review(
    client: httpx.AsyncClient, service: Service
) -> None:
    response = await client.post(TARGETS, params={"reveal": "true"}, json=ADA)
    stored = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"{TARGETS}/{stored['id']}"
    assert response.headers["etag"] == '"1"'
    assert {name: stored[name] for name in ADA} == ADA
    assert {"Ada Quillfeather", "A. Q.", "Mothwick", "The Glass Orchard"} <= set(stored["forbidden"])
    assert (stored["state"], stored["revision"]) == ("active", 1)
    assert service.registry.get(stored["id"]).draft.name == "Ada Quillfeather"
    assert service.notified == 1


async def test_texts_are_masked_unless_asked_for(client: httpx.AsyncClient) -> None:
    created = await client.post(TARGETS, json=ADA)
    path = created.headers["location"]
    etag = {"if-match": created.headers["etag"]}
    for response in (
        created,
        await client.get(path),
        await client.get(TARGETS),
        await client.patch(path, json={"basis": "contract"}, headers=etag),
        await client.post(TARGETS, params={"dry_run": "true"}, json={**ADA, "kind": "work"}),
    ):
        assert response.is_success
        assert not any(text in response.text for text in TEXTS)
        assert "••• (16 characters)" in response.json().get("name", "") or response.url.path == TARGETS
    for shown_at in (path, TARGETS):
        shown = await client.get(shown_at, params={"reveal": "true"})
        assert all(json.dumps(text)[1:-1] in shown.text for text in TEXTS)


async def test_variants_are_changed_by_a_patch_and_erased_at_the_end(
    client: httpx.AsyncClient, service: Service
) -> None:
    path = (await client.post(TARGETS, json={"name": "Joan Miller"})).headers["location"]
    (stored,) = service.registry.active()
    assert "Miller, Joan" in stored.variants
    await client.patch(path, json={"variants": "wide"}, headers={"if-match": "*"})
    assert "Ms Miller" in service.registry.get(stored.id).variants
    await client.delete(path)
    assert service.registry.get(stored.id).variants == ()


async def test_a_batch_is_stored_whole_or_not_at_all(client: httpx.AsyncClient, service: Service) -> None:
    people = [{"name": f"Person {i}"} for i in range(20)]
    response = await client.post(f"{TARGETS}:batch", json={"targets": people})
    assert response.status_code == 201
    assert response.json()["ids"] == [target.id for target in service.registry.active()]
    assert service.registry.version() == 1
    again = await client.post(f"{TARGETS}:batch", json={"targets": [{"name": "Newcomer"}, people[3]]})
    refused(again, 409, "duplicate_target", "targets[1].name")
    assert service.registry.version() == 1


async def test_a_patch_changes_what_it_names_and_nothing_else(client: httpx.AsyncClient) -> None:
    created = await client.post(TARGETS, params={"reveal": "true"}, json=ADA)
    path = created.headers["location"]
    change = {"phrases": ["Lanternfish"], "mode": "shadow", "expires_at": "2090-01-01T00:00:00Z"}
    response = await client.patch(path, params={"reveal": "true"}, json=change, headers={"if-match": '"1"'})
    assert (response.status_code, response.headers["etag"]) == (200, '"2"')
    before, after = created.json(), response.json()
    assert {name for name in before if before[name] != after[name]} == {
        *change,
        "forbidden",
        "revision",
        "updated_at",
    }
    assert "Lanternfish" in after["forbidden"]
    assert "Mothwick" not in after["forbidden"]
    cleared = await client.patch(path, json={"expires_at": None}, headers={"if-match": '"2"'})
    assert cleared.json()["expires_at"] is None


async def test_a_patch_that_changes_nothing_leaves_the_revision_and_the_policy_as_they_are(
    client: httpx.AsyncClient, service: Service
) -> None:
    ends = {"expires_at": "2090-01-01T00:00:00Z"}
    created = await client.post(TARGETS, params={"reveal": "true"}, json=ADA | ends)
    path = created.headers["location"]
    for same in ({}, ADA, ADA | {"expires_at": "2090-01-01T01:00:00+01:00"}):
        response = await client.patch(path, params={"wait": "applied"}, json=same, headers={"if-match": '"1"'})
        assert (response.status_code, response.headers["etag"]) == (200, '"1"')
    shown = await client.get(path, params={"reveal": "true"})
    assert shown.json() == created.json()
    assert service.registry.version() == 1
    assert "changed" not in {event.action for event in service.registry.events()}


async def test_a_patch_says_which_revision_it_means(client: httpx.AsyncClient, service: Service) -> None:
    path = (await client.post(TARGETS, json=ADA)).headers["location"]
    refused(await client.patch(path, json={}), 428, "precondition_required", "If-Match")
    for stale in ('"2"', '"0"', "1", 'W/"1"', "nonsense", '"2", "3"', '"2", W/"1"'):
        response = await client.patch(path, json={}, headers={"if-match": stale})
        refused(response, 412, "stale_revision", "If-Match")
    refused(await client.delete(path, headers={"if-match": '"7"'}), 412, "stale_revision", "If-Match")
    assert service.registry.version() == 1
    assert (await client.delete(path, headers={"if-match": '"0", "1"'})).status_code == 204


async def test_of_many_patches_to_one_revision_one_wins(client: httpx.AsyncClient) -> None:
    path = (await client.post(TARGETS, json=ADA)).headers["location"]
    patches = (client.patch(path, json={"basis": str(i)}, headers={"if-match": '"1"'}) for i in range(8))
    statuses = sorted(response.status_code for response in await asyncio.gather(*patches))
    assert statuses == [200] + [412] * 7


async def test_a_revoked_target_is_gone_but_not_from_the_record(client: httpx.AsyncClient) -> None:
    path = (await client.post(TARGETS, json=ADA)).headers["location"]
    response = await client.delete(path, params={"wait": "applied"})
    assert (response.status_code, response.content) == (204, b"")
    for again in (
        await client.get(path),
        await client.delete(path),
        await client.patch(path, json={}, headers={"if-match": '"2"'}),
    ):
        refused(again, 404, "unknown_target")
    (left,) = (await client.get(TARGETS, params={"state": "revoked", "reveal": "true"})).json()["targets"]
    assert (left["name"], left["forbidden"], left["external_ref"]) == ("", [], "T-1")
    assert (await client.get(TARGETS, params={"state": "active"})).json()["targets"] == []


async def test_lists_go_on_where_the_cursor_says(client: httpx.AsyncClient) -> None:
    people = [{"name": f"Person {i}"} for i in range(5)]
    ids = (await client.post(f"{TARGETS}:batch", json={"targets": people})).json()["ids"]
    first = (await client.get(TARGETS, params={"limit": 3})).json()
    rest = (await client.get(TARGETS, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [target["id"] for target in first["targets"] + rest["targets"]] == ids
    assert rest["next_cursor"] is None
    refused(await client.get(TARGETS, params={"cursor": "ft_none"}), 404, "unknown_target")


async def test_a_nul_in_a_text_is_kept_like_any_character(client: httpx.AsyncClient) -> None:
    response = await client.post(TARGETS, params={"reveal": "true"}, json={"name": "Ada\0 Quill"})
    assert response.json()["name"] == "Ada\0 Quill"


async def test_a_duplicate_is_named_by_its_id(client: httpx.AsyncClient) -> None:
    stored = (await client.post(TARGETS, json=ADA)).json()
    problem = refused(
        await client.post(TARGETS, json={"name": "ADA quill-feather"}), 409, "duplicate_target", "name"
    )
    assert stored["id"] in problem["detail"]


async def test_every_acknowledged_target_of_many_at_once_is_stored(
    client: httpx.AsyncClient, service: Service
) -> None:
    posts = (client.post(TARGETS, json={"name": f"Person {i}"}) for i in range(100))
    ids = {response.json()["id"] for response in await asyncio.gather(*posts)}
    assert {target.id for target in service.registry.active()} == ids
    assert len(ids) == service.registry.version() == 100


async def test_a_second_target_of_a_name_is_told_the_first_and_what_to_do(client: httpx.AsyncClient) -> None:
    first = (await client.post(TARGETS, json={"name": "Li Wei", "external_ref": "case-1"})).json()["id"]
    second = await client.post(TARGETS, json={"name": "Li Wei", "external_ref": "case-2"})
    refused(second, 409, "duplicate_target", "name")
    assert first in second.json()["detail"]
    assert "PATCH" in second.json()["detail"]
    apart = {"name": "Li Wei of Ost", "aliases": ["Li Wei"], "external_ref": "case-2"}
    assert (await client.post(TARGETS, json=apart)).status_code == 201


async def test_listed_values_are_checked_masked_and_given_back(client: httpx.AsyncClient) -> None:
    listed = [{"kind": "phone", "value": "020 7946 0958", "country": "GB"}]
    path = (await client.post(TARGETS, json={"name": "Joan Miller", "patterns": listed})).headers["location"]
    assert (await client.get(path, params={"reveal": "true"})).json()["patterns"] == listed
    assert "7946" not in (await client.get(path)).text
    mistaken = [*listed, {"kind": "card", "value": "4539 1488 0343 6468"}]
    response = await client.post(TARGETS, json={"name": "Pell Dross", "patterns": mistaken})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "patterns[1].value")
