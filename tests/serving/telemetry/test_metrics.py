from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from guard.policy.plan import PlanKind
from guard.targets.target import Mode
from serving.http.asgi import Receive, Scope, Send
from serving.protocol.refused_fields import CHAT
from serving.telemetry.metrics import FailClosed, Metrics
from tests.serving.data_plane import ASK, FakeEngine, FakePlanner, client, plane

DOCS = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


def used() -> Metrics:
    metrics = Metrics()
    metrics.count_response(CHAT, 200, 0.1)
    metrics.observe_first_byte(CHAT, 0.01)
    with metrics.time_stage("detection"):
        pass
    metrics.observe_output_guard(3, withheld=True)
    metrics.observe_restarts(2)
    metrics.count_fail_closed(FailClosed.NOT_READY)
    metrics.count_plan(PlanKind.RESTRICT, Mode.ENFORCE)
    metrics.count_dropped_verdicts(2)
    metrics.count_agent_call("responder", "ok", 10, 5)
    return metrics


def exposed(metrics: Metrics, up: bool = True) -> str:
    metrics.set_state(2, 1, {Mode.ENFORCE: 3}, 5, up)
    return metrics.exposition().content.decode()


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    families = text_string_to_metric_families(exposed(used()))
    exposition = {f.name + ("_total" if f.type == "counter" else "") for f in families}
    exposition = {name for name in exposition if not name.endswith("_created")}
    documented = set(re.findall(r"^\| `(lethe_[a-z_]+)`", DOCS.read_text(encoding="utf-8"), re.M))
    assert exposition == documented


def test_state_is_as_given_when_asked() -> None:
    found = samples(exposed(used(), up=False))
    assert found["lethe_policy_version", frozenset({("stage", "stored")})] == 2
    assert found["lethe_policy_version", frozenset({("stage", "enforced")})] == 1
    assert found["lethe_targets", frozenset({("mode", "enforce")})] == 3
    assert found["lethe_targets", frozenset({("mode", "shadow")})] == 0
    assert found["lethe_targets_pending", frozenset()] == 5
    assert found["lethe_engine_up", frozenset()] == 0


def test_two_servers_in_one_process_do_not_share_numbers() -> None:
    first, second = used(), Metrics()
    labels = {"reason": "not_ready"}
    assert first.registry.get_sample_value("lethe_fail_closed_total", labels) == 1
    assert second.registry.get_sample_value("lethe_fail_closed_total", labels) is None


@pytest.mark.anyio
async def test_a_request_is_counted_by_route_status_plan_and_what_was_withheld() -> None:
    app = plane(FakeEngine("I know Ada Quill well."), FakePlanner(PlanKind.RESTRICT))
    async with client(app) as http:
        await http.post(CHAT, json=ASK)
        await http.post(CHAT, json={**ASK, "stream": True})
        await http.post(CHAT, json={**ASK, "echo": True})
        await http.get("/Ada%20Quill")
    text = exposed(app.metrics)
    found = samples(text)
    assert found["lethe_requests_total", frozenset({("route", CHAT), ("status", "200")})] == 2
    assert found["lethe_requests_total", frozenset({("route", CHAT), ("status", "400")})] == 1
    assert found["lethe_requests_total", frozenset({("route", "other"), ("status", "404")})] == 1
    labels = {("action", "restrict"), ("mode", "enforce"), ("touched_by", "question")}
    assert found["lethe_verdicts_total", frozenset(labels)] == 2
    assert found["lethe_overhead_seconds_count", frozenset({("stage", "detection")})] == 2
    assert found["lethe_time_to_first_token_seconds_count", frozenset({("route", CHAT)})] == 1
    assert found["lethe_withheld_answers_total", frozenset()] == 2
    assert found["lethe_holdback_chars_count", frozenset()] == 2
    assert "Quill" not in text


@pytest.mark.anyio
async def test_a_request_is_in_flight_until_its_last_byte() -> None:
    seen: list[float | None] = []

    class Looking(FakeEngine):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == CHAT:
                seen.append(app.metrics.registry.get_sample_value("lethe_requests_in_flight"))
            await super().__call__(scope, receive, send)

    app = plane(Looking("I know nobody."), FakePlanner(PlanKind.RESTRICT))
    async with client(app) as http:
        await http.post(CHAT, json=ASK)
        # One that is refused leaves none behind either.
        await http.post(CHAT, json={**ASK, "echo": True})
    assert seen == [1]
    assert app.metrics.registry.get_sample_value("lethe_requests_in_flight") == 0


@pytest.mark.anyio
async def test_a_request_that_finds_no_server_ready_is_counted_as_closed() -> None:
    app = plane(down="the engine is starting")
    async with client(app) as http:
        assert (await http.post(CHAT, json=ASK)).status_code == 503
    assert app.metrics.registry.get_sample_value("lethe_fail_closed_total", {"reason": "not_ready"}) == 1
