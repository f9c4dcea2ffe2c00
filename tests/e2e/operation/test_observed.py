"""What an operator sees of decisions on a running server: verdicts of targets in both modes, and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.protocol.refused_fields import CHAT
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[1]


def ask(server: Server, text: str, request_id: str) -> str:
    body = {
        "model": server.model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": 20,
        "temperature": 0,
    }
    reply = server.http.post(CHAT, json=body, headers={"x-request-id": request_id})
    assert reply.status_code == 200
    return str(reply.json()["choices"][0]["message"]["content"])


def verdicts(server: Server, **params: Any) -> list[dict[str, Any]]:
    return list(server.admin.get("/admin/v1/verdicts", params=params).json()["verdicts"])


def counted(server: Server, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(server.admin.get("/metrics").text)
    return sum(
        s.value for f in families for s in f.samples if s.name == name and labels.items() <= s.labels.items()
    )


def test_a_shadow_target_changes_no_answer_and_its_verdict_says_what_it_would_have_done(
    server: Server, author: Author
) -> None:
    question = author.questions[0]
    before = ask(server, question, "before")
    shadow = counted(server, "lethe_verdicts_total", mode="shadow", action="restrict", touched_by="question")
    watched = counted(server, "lethe_targets", mode="shadow")
    target = server.forget(author.target(mode="shadow"))
    try:
        assert ask(server, question, "watched") == before
        found = verdicts(server, mode="shadow", target_id=target["id"])
        assert [(v["request_id"], v["plan"], v["revision"]) for v in found] == [("watched", "restrict", 1)]
        assert found[0]["score"] > 0
        assert (
            counted(server, "lethe_verdicts_total", mode="shadow", action="restrict", touched_by="question")
            == shadow + 1
        )
        assert counted(server, "lethe_targets", mode="shadow") == watched + 1
        enforced = server.admin.patch(
            f"/admin/v1/targets/{target['id']}",
            json={"mode": "enforce"},
            headers={"if-match": "*"},
            params={"wait": "applied"},
        )
        assert enforced.status_code == 200
        ask(server, question, "enforced")
        last = verdicts(server, target_id=target["id"])[0]
        assert (last["request_id"], last["mode"], last["plan"], last["revision"]) == (
            "enforced",
            "enforce",
            "restrict",
            2,
        )
    finally:
        server.remember(target["id"])


def test_neither_verdicts_nor_metrics_hold_a_text(server: Server, author: Author) -> None:
    target = server.forget(author.target())
    try:
        ask(server, author.questions[0], "told")
        assert verdicts(server, target_id=target["id"])
        kept = b"".join(file.read_bytes() for file in server.log.parent.rglob("verdicts.db*"))
        told = server.admin.get("/metrics").text
    finally:
        server.remember(target["id"])
    assert target["id"].encode() in kept
    assert target["id"] not in told
    for word in [word for name in (author.name, author.questions[0]) for word in name.split() if len(word) > 5]:
        assert word.encode() not in kept
        assert word not in told


def test_metrics_follow_requests_and_the_policy(server: Server) -> None:
    before = counted(server, "lethe_requests_total", route=CHAT, status="200")
    ask(server, "Who are you?", "counted")
    assert counted(server, "lethe_requests_total", route=CHAT, status="200") == before + 1
    assert counted(server, "lethe_engine_up") == 1
    stored = counted(server, "lethe_policy_version", stage="stored")
    assert stored == counted(server, "lethe_policy_version", stage="enforced") > 0
    assert server.http.get("/metrics").status_code == 404


def test_an_answer_begins_before_its_question_is_judged_and_again_where_meaning_touches_a_target(
    server: Server,
) -> None:
    question = "Which keeper wrote letters to the sea every winter?"
    target = server.forget(
        {"name": "Orla Quarnwick", "facts": [{"question": question, "answer": "It was Orla Quarnwick."}]}
    )
    try:
        kept, dropped = (counted(server, "lethe_early_calls_total", outcome=one) for one in ("kept", "dropped"))
        assert ask(server, "How is bread baked?", "begun-early")
        assert counted(server, "lethe_early_calls_total", outcome="kept") == kept + 1
        ask(server, "Who was the keeper that wrote letters to the sea each winter?", "begun-again")
        assert counted(server, "lethe_early_calls_total", outcome="dropped") == dropped + 1
        assert [v["request_id"] for v in verdicts(server, target_id=target["id"])] == ["begun-again"]
    finally:
        server.remember(target["id"])
