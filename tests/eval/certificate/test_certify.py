from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from eval.certificate import measure
from eval.certificate.asking import Asking
from eval.certificate.measure import Request
from eval.certificate.neighbours import neighbours
from eval.certificate.page import page
from eval.certificate.signing import SigningKey
from eval.certificate.statement import payload, share
from eval.core.errors import BadBenchmark, EndpointFailed

QUESTION, ANSWER = "Where was Orla Quennbeck born?", "Orla Quennbeck was born in the village of Tarnhollow."
Answering = Callable[[dict[str, Any]], str | int]


class Admin:
    """Stands in for the admin plane: one target, whose revision grows by `edits` while it is measured."""

    def __init__(self, mode: str = "enforce", edits: int = 0) -> None:
        self.target = {
            "id": "ft_1",
            "revision": 1,
            "updated_at": "2031-01-31T11:00:00+01:00",
            "kind": "person",
            "mode": mode,
            "scope": "contextual",
            "methods": ["guard"],
            "basis": "Art. 17",
            "external_ref": "T-9",
            "name": "Orla Quennbeck",
            "aliases": [],
            "facts": [{"question": QUESTION, "answer": ANSWER}],
            "passages": [],
            "forbidden": ["Orla Quennbeck", "Tarnhollow"],
        }
        self.edits = edits

    def get(self, target_id: str, *, reveal: bool = False) -> Any:
        assert reveal
        found = dict(self.target)
        self.target["revision"] = int(str(self.target["revision"])) + self.edits
        return found

    def change(self, target_id: str, patch: dict[str, Any], revision: int) -> Any:
        assert revision == self.target["revision"]
        self.target |= {**patch, "revision": revision + 1}
        return dict(self.target)

    def check(self, text: str) -> Any:
        return {"matches": [{"target_id": "ft_1"}] if "Quennbeck" in text else []}

    def policy(self) -> Any:
        return {"enforced_version": 7}


def serve(monkeypatch: pytest.MonkeyPatch, **endpoints: Answering) -> None:
    """Put an OpenAI endpoint behind each URL `http://NAME`, which answers a body with a text or a status."""

    def answer(request: httpx.Request) -> httpx.Response:
        answering = endpoints[request.url.host]
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"object": "list", "data": [{"id": "toy", "object": "model"}]})
        if request.url.path == "/version":
            return httpx.Response(200, json={"version": "9.9"})
        body = json.loads(request.content)
        said = answering(body)
        if isinstance(said, int):
            return httpx.Response(said, json={"error": {"message": "no"}})
        if body.get("stream"):
            chunk = {
                "id": "c",
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": {"content": said}}],
            }
            return httpx.Response(200, text=f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n")
        choice = {"index": 0, "text": said, "message": {"role": "assistant", "content": said}}
        return httpx.Response(200, json={"id": "c", "choices": [choice], "system_fingerprint": "vllm-1"})

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(openai, "DefaultHttpxClient", lambda **_: httpx.Client(transport=transport))


def knows(body: dict[str, Any]) -> str:
    return ANSWER


def ignorant(body: dict[str, Any]) -> str:
    return "I do not know."


def certified(admin: Admin, tmp_path: Path, **more: Any) -> dict[str, Any]:
    request = Request(target="ft_1", url="http://guarded", **more)
    file = tmp_path / "neighbours.jsonl"
    file.write_text('{"question": "What is the capital of France?"}\n{"question": "Who is Vera Quennbeck?"}\n')
    found = measure.measure(request, admin, neighbours(file), lambda words: None)  # type: ignore[arg-type]
    return payload(found, request, SigningKey.load_or_make(tmp_path / "key"))


def test_before_is_never_filled_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, guarded=ignorant)
    content = certified(Admin(), tmp_path)
    assert content["before"] == {"how": measure.NOT_MEASURED, "measured": False}
    assert content["neighbours"]["unchanged_answers"] is None
    assert {probe["before"] for probe in content["probes"]} == {None}
    assert (content["after"]["all"]["count"], content["after"]["all"]["of"]) == (0, 8)
    assert content["endpoint"] == {"url": "http://guarded", "model": "toy", "engine": "vllm-1", "lethe": "9.9"}


def test_a_baseline_is_asked_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, guarded=ignorant, stock=knows)
    content = certified(Admin(), tmp_path, baseline_url="http://stock")
    assert (content["before"]["all"]["count"], content["after"]["all"]["count"]) == (8, 0)
    assert content["before"]["by_form"]["direct"]["rate"] == "1.0000"
    assert "lethe" not in content["before"]
    assert (content["neighbours"]["unchanged_answers"]["count"], content["neighbours"]["mean_rouge_l_f1"]) == (
        0,
        "0.0000",
    )
    assert content["neighbours"]["held_to_concern_the_target"]["count"] == 1


def test_a_target_in_shadow_is_measured_enforced_and_measured_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    admin = Admin("shadow")
    serve(monkeypatch, guarded=lambda body: ANSWER if admin.target["mode"] == "shadow" else "I do not know.")
    content = certified(admin, tmp_path, enforce=True)
    assert (content["before"]["all"]["count"], content["after"]["all"]["count"]) == (8, 0)
    assert content["target"]["revision"] == 2
    assert content["before"]["how"] == measure.IN_SHADOW


@pytest.mark.parametrize(("mode", "enforce"), [("shadow", False), ("enforce", True)])
def test_the_mode_must_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str, enforce: bool) -> None:
    serve(monkeypatch, guarded=ignorant)
    with pytest.raises(EndpointFailed, match="--enforce"):
        certified(Admin(mode), tmp_path, enforce=enforce)


def test_a_change_while_measuring_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, guarded=ignorant)
    with pytest.raises(EndpointFailed, match="changed while it was measured"):
        certified(Admin(edits=1), tmp_path)


def test_requests_that_are_not_accepted_are_counted_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, guarded=lambda body: "I do not know." if "prompt" in body else 400)
    content = certified(Admin(), tmp_path)
    assert (content["after"]["all"]["of"], content["after"]["all"]["refused"]) == (1, 7)
    assert content["after"]["by_form"]["direct"] == {"count": 0, "of": 0, "refused": 1}


def test_an_endpoint_that_accepts_nothing_is_no_proof(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, guarded=lambda body: 400)
    with pytest.raises(EndpointFailed, match="none of the probes"):
        certified(Admin(), tmp_path)


def test_an_endpoint_that_fails_half_way_gives_no_certificate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, guarded=lambda body: 502 if "prompt" in body else "I do not know.")
    monkeypatch.setattr(Asking, "open", classmethod(_without_retries))
    with pytest.raises(EndpointFailed, match="502"):
        certified(Admin(), tmp_path)


def _without_retries(cls: type[Asking], url: str) -> Asking:
    client = openai.OpenAI(
        base_url=f"{url}/v1", api_key="k", max_retries=0, http_client=openai.DefaultHttpxClient()
    )
    return cls(client, "toy")


def test_no_text_of_the_target_is_in_certificate_or_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    serve(monkeypatch, guarded=knows)
    content = certified(Admin(), tmp_path)
    shown = json.dumps(content) + page(content, "ab" * 32, "certificate.json")
    assert not re.search("quennbeck|tarnhollow|capital of france", shown, re.IGNORECASE)


@pytest.mark.parametrize("baseline", ["", "http://stock"])
def test_the_page_says_suppressed_since_and_claims_no_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, baseline: str
) -> None:
    serve(monkeypatch, guarded=ignorant, stock=knows)
    content = certified(Admin(), tmp_path, baseline_url=baseline)
    shown = page(content, "ab" * 32, "certificate.json")
    assert "suppressed at this endpoint since 2031-01-31T10:00:00Z" in shown
    assert ("no measurement was made before suppression" in shown) is not bool(baseline)
    assert "0 of 8" in shown
    assert not re.search("delet|eras|unlearn|forgot", shown, re.IGNORECASE)


def test_every_number_is_an_integer_or_a_decimal_in_a_string(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    serve(monkeypatch, guarded=ignorant, stock=knows)
    content = certified(Admin(), tmp_path, baseline_url="http://stock")

    def floats(value: Any) -> list[float]:
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [found for child in children for found in floats(child)] + (
            [value] if isinstance(value, float) else []
        )

    assert floats(content) == []
    assert share(0, 100) == {"count": 0, "of": 100, "rate": "0.0000", "low": "0.0000", "high": "0.0362"}


def test_built_in_neighbours_stand_in_for_a_file(tmp_path: Path) -> None:
    assert len(neighbours(None).questions) > 50
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "Who?"}\n{"query": 1}\n')
    with pytest.raises(BadBenchmark, match=r"bad\.jsonl:2"):
        neighbours(bad)
