from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from serving.bench import touched
from serving.bench.processes import Endpoint
from serving.bench.touched import METHODS, QUESTIONS, Answered, Touched, markdown, run
from serving.client import AdminClient


class Server:
    """A guarded server of which each answer has three tokens, and backtracks twice where a target is in force."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.added: list[dict[str, Any]] = []
        self.active = 0
        self.restarts = self.answers = 0

    def respond(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "toy"}]})
        if path == "/metrics":
            text = f"# HELP lethe_answer_restarts x\nlethe_answer_restarts_sum {float(self.restarts)}\n"
            return httpx.Response(200, text=f"{text}lethe_answer_restarts_count {float(self.answers)}\n")
        if path == "/v1/chat/completions":
            return self._answer(json.loads(request.content))
        if request.method == "DELETE":
            self.active -= 1
            return httpx.Response(204)
        self.added += json.loads(request.content)["targets"]
        self.active += 1
        return httpx.Response(201, json={"ids": [f"ft_{len(self.added)}"]})

    def _answer(self, body: dict[str, Any]) -> httpx.Response:
        self.asked.append(body)
        self.restarts += 2 * self.active
        self.answers += self.active
        chunks = [
            {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
            {"choices": [{"delta": {"content": "It is."}}]},
            {"choices": [], "usage": {"completion_tokens": 3}},
        ]
        return httpx.Response(200, text="".join(f"data: {json.dumps(one)}\n\n" for one in chunks))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server, client = Server(), httpx.Client
    transport = httpx.MockTransport(server.respond)
    monkeypatch.setattr(httpx, "Client", lambda **more: client(transport=transport, base_url=more["base_url"]))
    monkeypatch.setattr(Endpoint, "model", lambda self: "toy")
    return server


def measure(seconds: float) -> list[Touched]:
    admin = AdminClient("http://admin", "key")
    return list(run(Endpoint("guarded", "http://data", admin), seconds, lambda text: None))


def test_every_method_answers_all_questions_with_the_target_in_force_alone(server: Server) -> None:
    found = measure(600)
    assert [one.method for one in found] == [*METHODS]
    assert all(len(one.touched) == len(one.free) == len(QUESTIONS) for one in found)
    assert [one.get("methods") for one in server.added] == [None, ["decline"], None, ["alu"]]
    assert {one.restarts for one in found} == {(2 * len(QUESTIONS), len(QUESTIONS))}
    assert server.active == 0
    assert len({one["cache_salt"] for one in server.asked}) == len(server.asked)


def test_without_time_the_dear_methods_answer_one_question(server: Server) -> None:
    assert [len(one.touched) for one in measure(0)] == [len(QUESTIONS), len(QUESTIONS), 1, 1]


def test_an_answer_has_its_tokens_and_the_time_of_its_first_text(server: Server) -> None:
    with httpx.Client(base_url="http://data") as http:
        answered = touched.ask(http, "toy", "Who?", "free")
    assert answered.tokens == 3
    assert 0 < answered.first <= answered.seconds


def test_the_table_has_the_median_of_the_ratios_by_question() -> None:
    free = [Answered(0.1, 1.0, 10), Answered(0.1, 4.0, 10)]
    under = [Answered(0.2, 2.0, 10), Answered(0.2, 4.0, 10)]
    lines = markdown([Touched("guard", free, under, (5, 2)), Touched("decline", free[:1], under[:1], (0, 0))])
    assert lines.splitlines()[2:] == [
        "| none | 2 | 0.10 s | 0.250 |  |  |",
        "| guard | 2 | 0.20 s | 0.300 | 1.50 | 5 in 2 |",
        "| decline | 1 | 0.20 s | 0.200 | 2.00 | none possible |",
    ]
    assert markdown([]).count("\n") == 1
