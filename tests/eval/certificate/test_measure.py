from __future__ import annotations

from pathlib import Path

import openai
import pytest

from eval.certificate.endpoint import CertifiedEndpoint
from eval.certificate.measure import IN_SHADOW, NOT_MEASURED
from eval.certificate.page import page
from eval.core.errors import EndpointFailed
from tests.eval.certificate.fakes import ANSWER, FakeAdmin, certify, fake_endpoints, ignorant, knows


def test_without_a_measurement_before_the_certificate_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant)
    content = certify(FakeAdmin(), tmp_path)
    assert content["before"] == {"how": NOT_MEASURED, "measured": False}
    assert content["neighbours"]["unchanged_answers"] is None
    assert {probe["before"] for probe in content["probes"]} == {None}
    assert (content["after"]["all"]["count"], content["after"]["all"]["of"]) == (0, 8)
    assert content["endpoint"] == {"url": "http://guarded", "model": "toy", "engine": "vllm-1", "lethe": "9.9"}


def test_a_target_with_passages_has_its_longest_quotes_certified(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant, stock=lambda body: "seven bright lamps along the quay")
    admin = FakeAdmin()
    without = certify(admin, tmp_path)
    assert without["after"]["longest_quote_in_words"] is None
    admin.target["passages"] = ("seven lamps along the quay and a green ledger",)
    content = certify(admin, tmp_path, baseline_url="http://stock")
    assert content["after"]["longest_quote_in_words"] == {"exact": 0, "near": 0}
    assert content["before"]["longest_quote_in_words"] == {"exact": 4, "near": 4}
    html = page(content, "00" * 32, "certificate.json")
    assert "longest quote of a protected passage in an answer: 0 words in a row" in html
    assert "protected passage" not in page(without, "00" * 32, "certificate.json")


def test_a_baseline_gets_the_same_probes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant, stock=knows)
    content = certify(FakeAdmin(), tmp_path, baseline_url="http://stock")
    assert (content["before"]["all"]["count"], content["after"]["all"]["count"]) == (8, 0)
    assert content["before"]["by_form"]["direct"]["rate"] == "1.0000"
    assert "lethe" not in content["before"]
    assert (content["neighbours"]["unchanged_answers"]["count"], content["neighbours"]["mean_rouge_l_f1"]) == (
        0,
        "0.0000",
    )
    assert content["neighbours"]["held_to_concern_the_target"]["count"] == 1


def test_a_shadow_target_is_measured_enforced_and_measured_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin = FakeAdmin("shadow")
    fake_endpoints(
        monkeypatch, guarded=lambda body: ANSWER if admin.target["mode"] == "shadow" else "I do not know."
    )
    content = certify(admin, tmp_path, enforce=True)
    assert (content["before"]["all"]["count"], content["after"]["all"]["count"]) == (8, 0)
    assert content["target"]["revision"] == 2
    assert content["before"]["how"] == IN_SHADOW


def test_where_enforcing_waits_for_a_second_person_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin = FakeAdmin("shadow")
    admin.four_eyes = True
    fake_endpoints(monkeypatch, guarded=knows)
    with pytest.raises(EndpointFailed, match="second person"):
        certify(admin, tmp_path, enforce=True)


def test_a_target_that_is_enforced_in_part_has_no_state_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin = FakeAdmin("shadow")
    admin.target["canary"] = 0.05
    fake_endpoints(monkeypatch, guarded=knows)
    with pytest.raises(EndpointFailed, match="canary share"):
        certify(admin, tmp_path, enforce=True)


@pytest.mark.parametrize(("mode", "enforce"), [("shadow", False), ("enforce", True)])
def test_the_mode_of_the_target_must_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str, enforce: bool
) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant)
    with pytest.raises(EndpointFailed, match="--enforce"):
        certify(FakeAdmin(mode), tmp_path, enforce=enforce)


def test_a_change_during_the_measurement_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_endpoints(monkeypatch, guarded=ignorant)
    with pytest.raises(EndpointFailed, match="changed while it was measured"):
        certify(FakeAdmin(edits=1), tmp_path)


def test_requests_that_the_endpoint_refuses_are_counted_separately(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_endpoints(monkeypatch, guarded=lambda body: "I do not know." if "prompt" in body else 400)
    content = certify(FakeAdmin(), tmp_path)
    assert (content["after"]["all"]["of"], content["after"]["all"]["refused"]) == (1, 7)
    assert content["after"]["by_form"]["direct"] == {"count": 0, "of": 0, "refused": 1}


def test_an_endpoint_that_refuses_every_probe_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_endpoints(monkeypatch, guarded=lambda body: 400)
    with pytest.raises(EndpointFailed, match="none of the probes"):
        certify(FakeAdmin(), tmp_path)


def test_an_endpoint_that_fails_half_way_gives_no_certificate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_endpoints(monkeypatch, guarded=lambda body: 502 if "prompt" in body else "I do not know.")
    monkeypatch.setattr(CertifiedEndpoint, "open", classmethod(_without_retries))
    with pytest.raises(EndpointFailed, match="502"):
        certify(FakeAdmin(), tmp_path)


def _without_retries(cls: type[CertifiedEndpoint], url: str) -> CertifiedEndpoint:
    client = openai.OpenAI(
        base_url=f"{url}/v1", api_key="k", max_retries=0, http_client=openai.DefaultHttpxClient()
    )
    return cls(client, "toy")
