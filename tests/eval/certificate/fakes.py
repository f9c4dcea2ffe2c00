"""A fake admin plane and fake endpoints, and the certificate measured on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from eval.certificate.measure import CertificateRequest, measure
from eval.certificate.neighbours import load_neighbours
from eval.certificate.payload import payload
from eval.certificate.signing import SigningKey
from serving.client.observed import Check, Match, Policy
from serving.client.targets import Fact, ProposedChange, Target

QUESTION, ANSWER = "Where was Orla Quennbeck born?", "Orla Quennbeck was born in the village of Tarnhollow."
FakeAnswers = Callable[[dict[str, Any]], str | int]


class FakeAdmin:
    """Replaces the admin plane: it has one target, whose revision grows by `edits` while it is measured."""

    def __init__(self, mode: str = "enforce", edits: int = 0) -> None:
        self.target: dict[str, Any] = {
            "id": "ft_1",
            "revision": 1,
            "updated_at": datetime.fromisoformat("2031-01-31T11:00:00+01:00"),
            "kind": "person",
            "mode": mode,
            "canary": None,
            "scope": "contextual",
            "methods": ("guard",),
            "basis": "Art. 17",
            "external_ref": "T-9",
            "name": "Orla Quennbeck",
            "aliases": (),
            "facts": (Fact(question=QUESTION, answer=ANSWER),),
            "passages": (),
            "forbidden": ("Orla Quennbeck", "Tarnhollow"),
        }
        self.edits = edits
        self.four_eyes = False

    def get(self, target_id: str, *, reveal: bool = False) -> Any:
        found = self.shown(reveal)
        self.target["revision"] += self.edits
        return found

    def shown(self, reveal: bool) -> Target:
        return Target.model_construct(**self.target if reveal else {**self.target, "facts": (), "name": "•••"})

    def change(self, target_id: str, patch: dict[str, Any], revision: int, *, reveal: bool = False) -> Any:
        assert revision == self.target["revision"]
        if self.four_eyes:
            self.target |= {"proposed": ProposedChange.model_construct(state="open", revision=revision + 1)}
        else:
            self.target |= {**patch, "revision": revision + 1}
        return self.shown(reveal)

    def check(self, text: str) -> Any:
        matches = (Match.model_construct(target_id="ft_1"),) if "Quennbeck" in text else ()
        return Check.model_construct(matches=matches)

    def policy(self) -> Any:
        return Policy.model_construct(enforced_version=7, encrypted=True)


def fake_endpoints(monkeypatch: pytest.MonkeyPatch, **endpoints: FakeAnswers) -> None:
    """Put behind each URL `http://NAME` an OpenAI endpoint that answers a body with a text or a status."""

    def respond(request: httpx.Request) -> httpx.Response:
        answers = endpoints[request.url.host]
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"object": "list", "data": [{"id": "toy", "object": "model"}]})
        if request.url.path == "/version":
            return httpx.Response(200, json={"version": "9.9"})
        body = json.loads(request.content)
        answer = answers(body)
        if isinstance(answer, int):
            return httpx.Response(answer, json={"error": {"message": "no"}})
        if body.get("stream"):
            chunk = {
                "id": "c",
                "object": "chat.completion.chunk",
                "choices": [{"index": 0, "delta": {"content": answer}}],
            }
            return httpx.Response(200, text=f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n")
        choice = {"index": 0, "text": answer, "message": {"role": "assistant", "content": answer}}
        return httpx.Response(200, json={"id": "c", "choices": [choice], "system_fingerprint": "vllm-1"})

    transport = httpx.MockTransport(respond)
    monkeypatch.setattr(openai, "DefaultHttpxClient", lambda **_: httpx.Client(transport=transport))


def knows(body: dict[str, Any]) -> str:
    """Give the secret away."""
    return ANSWER


def ignorant(body: dict[str, Any]) -> str:
    """Give nothing away."""
    return "I do not know."


def certify(admin: FakeAdmin, tmp_path: Path, **options: Any) -> dict[str, Any]:
    """Return the payload of a certificate on the fakes."""
    request = CertificateRequest(target="ft_1", url="http://guarded", **options)
    file = tmp_path / "neighbours.jsonl"
    file.write_text('{"question": "What is the capital of France?"}\n{"question": "Who is Vera Quennbeck?"}\n')
    measurement = measure(request, admin, load_neighbours(file), lambda step, share: None)  # type: ignore[arg-type]
    return payload(measurement, request, SigningKey.load_or_make(tmp_path / "key"))
