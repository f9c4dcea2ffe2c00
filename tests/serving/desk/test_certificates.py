from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.certificate.signing import SigningKey
from tests.serving.desk.conftest import Browser

pytestmark = pytest.mark.anyio
PLACE = "/ui/certificates"
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
        assert "<dd>0.0402</dd>" in page.text
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
