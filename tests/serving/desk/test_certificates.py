from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from eval.certificate.signing import SigningKey
from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.targets.target import Draft, Mode
from serving.access.rights import OWNER
from serving.certificates.issuing import IssueState
from tests.serving.desk.conftest import Browser, Service

pytestmark = pytest.mark.anyio
PLACE = "/ui/certificates"
ISSUE = f"{PLACE}/issue"
PAYLOAD: dict[str, Any] = {
    "schema": "lethe-certificate/1",
    "statement": "Forget target ft_1, revision 2: suppressed at this endpoint since 2031.",
    "endpoint": {"url": "https://quill.example", "model": "toy"},
    "target": {"id": "ft_1", "revision": 2, "basis": ""},
    "after": {"all": {"count": 0, "of": 90, "high": "0.0402"}},
}


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.load_or_make(tmp_path / "certificate.key")


async def test_a_certificate_is_shown_and_its_signature_checked(browser: Browser, key: SigningKey) -> None:
    await browser.get(PLACE)
    file = key.sign(PAYLOAD)
    given = {"files": {"file": ("certificate.json", file, "application/json")}}
    for page in (
        await browser.post(PLACE, {"public_key": key.public}, **given),
        await browser.post(PLACE, {"public_key": key.public.upper(), "certificate": file.decode() + "\r\n"}),
    ):
        assert "Unaltered since it was signed" in page.text
        assert PAYLOAD["statement"] in page.text
        assert "<dd>4.0 %</dd>" in page.text
    assert "compare the key" in (await browser.post(PLACE, **given)).text


@pytest.mark.parametrize(
    ("old", "new"), [("90", "91"), ("2031", "2030"), ('"schema"', '"Schema"'), ("{", "{ "), ("Ed25519", "Ed448")]
)
async def test_one_that_was_altered_shows_nothing_of_itself(
    browser: Browser, key: SigningKey, old: str, new: str
) -> None:
    page = await browser.post(PLACE, {"certificate": key.sign(PAYLOAD).decode().replace(old, new, 1)})
    assert "Unaltered" not in page.text
    assert "suppressed at this endpoint since" not in page.text


async def test_one_of_another_key_is_foreign(browser: Browser, key: SigningKey) -> None:
    page = await browser.post(PLACE, {"certificate": key.sign(PAYLOAD).decode(), "public_key": "0" * 64})
    assert "signed by another key" in page.text
    assert "suppressed at this endpoint since" not in page.text


@pytest.mark.parametrize("text", ["", "{}", "[", "[" * 9999, '{"certificate": 1, "signature": {}}', "null"])
async def test_what_is_no_certificate_is_refused(browser: Browser, text: str) -> None:
    page = await browser.post(PLACE, {"certificate": text})
    assert page.status_code == 422
    assert "not a certificate" in page.text


@pytest.mark.parametrize(
    "payload",
    [
        {"schema": "another/1"},
        {"schema": "lethe-certificate/1"},
        {
            "schema": "lethe-certificate/1",
            "statement": {"a": 1},
            "endpoint": [],
            "target": "x",
            "after": {"all": None},
        },
        PAYLOAD | {"statement": "<script>alert(1)</script>" * 99, "endpoint": {"url": "javascript:alert(1)"}},
    ],
)
async def test_anybody_may_sign_anything_and_it_stays_text(
    browser: Browser, key: SigningKey, payload: dict[str, Any]
) -> None:
    page = await browser.post(PLACE, {"certificate": key.sign(payload).decode()})
    assert page.status_code == 200
    assert page.text.count("<script") == 1
    assert 'href="javascript' not in page.text
    assert len(page.text) < 10_000


async def ended(service: Service) -> None:
    async with asyncio.timeout(20):
        while any(issue.open for issue in service.certificates.issues()):
            await asyncio.sleep(0.01)


async def test_a_certificate_is_issued_shown_and_downloaded(browser: Browser, service: Service) -> None:
    assert "No certificate was issued" in (await browser.get(PLACE)).text
    target = service.registry.add(Draft(name="Ada Quill"))
    asked = await browser.get(f"{ISSUE}?target={target.id}")
    assert "Ada" not in asked.text
    assert "No text of the target" in asked.text
    begun = await browser.post(ISSUE, {"chosen": [target.id], "confirmed": "yes"})
    assert begun.headers["location"] == PLACE
    page = await browser.get(PLACE)
    assert 'hx-trigger="every 2s"' in page.text
    assert "<progress" in page.text
    await ended(service)
    page = await browser.get(PLACE)
    assert "hx-trigger" not in page.text
    (place,) = set(re.findall(rf'href="({PLACE}/{target.id}-\w+)"', page.text))
    page = await browser.get(place)
    assert "Unaltered since it was signed" in page.text
    assert f"Forget target {target.id}, revision 1" in page.text
    assert "<td>asked directly</td><td>not measured</td><td>0 of 12</td>" in page.text
    for kind in ("json", "html"):
        sent = await browser.get(f"{place}/{kind}")
        assert sent.headers["content-disposition"] == f'attachment; filename="{place.rsplit("/", 1)[1]}.{kind}"'
    assert (await browser.get(f"{place}/key")).status_code == 404
    verified = await browser.post(PLACE, {"certificate": (await browser.get(f"{place}/json")).text})
    assert "Unaltered since it was signed" in verified.text


async def test_what_is_kept_is_checked_each_time_it_is_shown(
    browser: Browser, service: Service, tmp_path: Path
) -> None:
    service.certificates.start("ft_1", OWNER)
    await ended(service)
    (kept,) = service.certificates.stored.list()
    file = tmp_path / "certificates" / f"{kept.name}.json"
    for content in (file.read_bytes().replace(b"2031", b"2030"), b"null", b"\xff"):
        file.write_bytes(content)
        page = await browser.get(f"{PLACE}/{kept.name}")
        assert "This is not what was signed" in page.text
        assert "Forget target" not in page.text
    assert (await browser.get(f"{PLACE}/ft_1-20310101T000000Z")).status_code == 404
    assert (await browser.get(f"{PLACE}/..%2fcertificate")).status_code == 404


async def test_several_are_chosen_in_the_list_and_those_in_shadow_need_enforcing(
    browser: Browser, service: Service
) -> None:
    ada, bo, cy = service.registry.add_many(
        [Draft(name="Ada Quill"), Draft(name="Bo Quill", mode=Mode.SHADOW), Draft(name="Cy Quill")]
    )
    service.registry.revoke(cy.id)
    asked = await browser.post(ISSUE, {"chosen": [ada.id, bo.id, cy.id, "ft_none"]})
    assert "2 of these targets are not there, or have ended" in asked.text
    assert "One of them is in shadow" in asked.text
    await browser.post(ISSUE, {"chosen": [ada.id, bo.id, cy.id], "confirmed": "yes"})
    assert [issue.target_id for issue in service.certificates.issues()] == [ada.id]
    await browser.post(ISSUE, {"chosen": [bo.id], "confirmed": "yes", "enforce": "yes"})
    (latest, _) = service.certificates.issues()
    assert (latest.target_id, latest.enforce) == (bo.id, True)
    await browser.post(f"{ISSUE}/cancel", {"target": bo.id})
    assert latest.state is IssueState.CANCELLED
    await service.certificates.close()


@pytest.mark.parametrize(("role", "status"), [(Role.READER, 403), (Role.AUDITOR, 403), (Role.EDITOR, 303)])
async def test_who_may_see_the_texts_may_have_them_certified(
    stranger: Browser, service: Service, role: Role, status: int
) -> None:
    key = service.keys.store.create(KeyDraft(name="a", audience=Audience.ADMIN, role=role))
    service.keys.refresh()
    target, shadow = service.registry.add_many([Draft(name="Ada Quill"), Draft(name="Bo", mode=Mode.SHADOW)])
    await stranger.sign_in(key.secret)
    sent = {"chosen": [target.id], "confirmed": "yes"}
    assert (await stranger.post(ISSUE, sent)).status_code == status
    sent |= {"chosen": [shadow.id], "enforce": "yes"}
    assert (await stranger.post(ISSUE, sent)).status_code == 403
    await service.certificates.close()
