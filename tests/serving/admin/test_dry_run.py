"""A dry run shows what a target would forbid, and why, and stores nothing."""

from __future__ import annotations

import httpx
import pytest

from tests.serving.admin.conftest import ADA, TARGETS, Service

pytestmark = pytest.mark.anyio


async def test_a_dry_run_shows_what_would_be_stored_and_stores_nothing(
    client: httpx.AsyncClient, service: Service
) -> None:
    response = await client.post(TARGETS, params={"dry_run": "true", "reveal": "true"}, json=ADA)
    assert response.status_code == 200
    assert "The Glass Orchard" in response.json()["forbidden"]
    assert "id" not in response.json()
    assert (service.registry.version(), service.notified) == (0, 0)


async def test_a_dry_run_shows_the_variants_by_kind_masked_unless_revealed(client: httpx.AsyncClient) -> None:
    target = {"name": "Joan Miller", "facts": [{"answer": "Born on 4 March 1987."}]}
    params = {"dry_run": "true"}
    shown = (await client.post(TARGETS, params=params | {"reveal": "true"}, json=target)).json()
    assert "Miller, Joan" in shown["forbidden_variants"]["order"]
    assert "040387" in shown["forbidden_variants"]["date"]
    masked = await client.post(TARGETS, params=params, json=target)
    assert "Miller" not in masked.text
    none = (await client.post(TARGETS, params=params, json=target | {"variants": "none"})).json()
    assert (none["variants"], none["forbidden_variants"]) == ("none", {})


async def test_a_dry_run_tells_what_is_not_forbidden_alone(client: httpx.AsyncClient, service: Service) -> None:
    service.common = frozenset({"3may1961"})
    facts = [{"answer": "She was born on 3 May 1961."}]
    why = "date with a day; in the facts of many targets, so not forbidden alone"
    for scope, expected in (("always", why), ("contextual", "date with a day")):
        draft = {"name": "Ilsabet Quorne", "facts": facts, "scope": scope}
        shown = (await client.post(TARGETS, params={"dry_run": "true", "reveal": "true"}, json=draft)).json()
        assert {reason["phrase"]: reason["why"] for reason in shown["reasons"]}["3 May 1961"] == expected


async def test_a_dry_run_tells_why_each_phrase_is_forbidden(client: httpx.AsyncClient) -> None:
    facts = [{"answer": "She was born in Sallowmere on 3 May 1961."}]
    draft = {"name": "Ilsabet Quorne", "aliases": ["Rose"], "facts": facts}
    shown = (await client.post(TARGETS, params={"dry_run": "true", "reveal": "true"}, json=draft)).json()
    assert [reason["phrase"] for reason in shown["reasons"]] == shown["forbidden"]
    kinds = {reason["phrase"]: (reason["kind"], reason["why"]) for reason in shown["reasons"]}
    assert kinds["Ilsabet Quorne"] == ("name", "the target's name")
    assert kinds["Sallowmere"] == ("place", "rare name after a preposition of place")
    assert kinds["3 May 1961"] == ("date", "date with a day")
    assert [(warning["phrase"], warning["examples"][:1], warning["why"]) for warning in shown["warnings"]] == [
        ("Rose", ["rose"], "also forbids common words"),
        ("Rose", [], "also a given name"),
    ]
    masked = (await client.post(TARGETS, params={"dry_run": "true"}, json=draft)).text
    assert not any(text in masked for text in ("Quorne", "Sallowmere", "Rose", "rose"))


async def test_dry_run_says_which_classes_are_forbidden_and_whether_their_values_are_listed(
    client: httpx.AsyncClient,
) -> None:
    patterns = [
        {"kind": "iban", "value": "*"},
        {"kind": "regex", "value": "KX-0[1-3]"},
        {"kind": "card", "value": "4539 1488 0343 6467"},
    ]
    query = {"dry_run": "true", "reveal": "true"}
    preview = (await client.post(TARGETS, json={"name": "Joan Miller", "patterns": patterns}, params=query)).json()
    assert preview["classes"] == [
        {"kind": "iban", "value": "*", "country": "", "values": None},
        {"kind": "regex", "value": "KX-0[1-3]", "country": "", "values": 3},
    ]
    assert {"kx-01", "kx-02", "kx-03"} <= set(preview["forbidden"])
    wrong = [{"kind": "regex", "value": r"(a)\1bcd"}]
    response = await client.post(TARGETS, json={"name": "Joan Miller", "patterns": wrong})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "patterns[0].value")
    assert "bcd" not in response.text
