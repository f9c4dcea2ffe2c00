from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eval.certificate.page import page
from tests.eval.certificate.fakes import FakeAdmin, certify, fake_endpoints, ignorant, knows


def test_no_text_of_the_target_is_in_certificate_or_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_endpoints(monkeypatch, guarded=knows)
    content = certify(FakeAdmin(), tmp_path)
    shown = json.dumps(content) + page(content, "ab" * 32, "certificate.json")
    assert not re.search("quennbeck|tarnhollow|capital of france", shown, re.IGNORECASE)


@pytest.mark.parametrize("baseline", ["", "http://stock"])
def test_the_page_says_suppressed_since_and_claims_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, baseline: str
) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant, stock=knows)
    content = certify(FakeAdmin(), tmp_path, baseline_url=baseline)
    shown = page(content, "ab" * 32, "certificate.json")
    assert "suppressed at this endpoint since 2031-01-31T10:00:00Z" in shown
    assert ("no measurement was made before suppression" in shown) is not bool(baseline)
    assert "0 of 8" in shown
    assert not re.search("delet|eras|unlearn|forgot", shown, re.IGNORECASE)
