from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.certificate.payload import share
from serving.client.observed import Policy
from tests.eval.certificate.fakes import FakeAdmin, certify, fake_endpoints, ignorant, knows


def test_every_number_is_an_integer_or_a_decimal_in_a_string(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant, stock=knows)
    content = certify(FakeAdmin(), tmp_path, baseline_url="http://stock")

    def floats(value: Any) -> list[float]:
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [found for child in children for found in floats(child)] + (
            [value] if isinstance(value, float) else []
        )

    assert floats(content) == []
    assert share(0, 100) == {"count": 0, "of": 100, "rate": "0.0000", "low": "0.0000", "high": "0.0362"}


@pytest.mark.parametrize(("encrypted", "said"), [(True, "under a key of their own"), (False, "not encrypted")])
def test_it_says_how_the_texts_are_stored_and_what_an_erasure_reaches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, encrypted: bool, said: str
) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant)
    admin = FakeAdmin()
    monkeypatch.setattr(admin, "policy", lambda: Policy.model_construct(enforced_version=7, encrypted=encrypted))
    storage = certify(admin, tmp_path)["storage"]
    assert said in storage
    assert "backups" in storage
