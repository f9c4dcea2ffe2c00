"""Spans and metrics as a collector gets them, from a data plane around an engine of the test's own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from guard.errors import BadSettings
from guard.policy.plan import PlanKind
from guard.targets.target import Mode
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import App, Receive, Scope, Send
from serving.protocol.refused_fields import CHAT
from serving.settings import load
from serving.telemetry.metrics import Metrics
from serving.telemetry.opening import open_tracer
from serving.telemetry.recorder import Recorder
from serving.telemetry.tracing import Tracer
from tests.serving.data_plane import DECLINE, FakeEngine, FakePlanner, FakeSupervisor, client

pytest.importorskip("opentelemetry.sdk", reason="the extra telemetry is not installed")

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
# Words that only the request, the answer or the target have.
TEXTS = ("Ada Quill", "Quill", "sails", "zephyrine", "marzipan", "ft_")
ASK = {"model": "m", "messages": [{"role": "user", "content": "Who sails the zephyrine?"}]}


class Collector:
    """A collector on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        kinds = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
        kept: dict[str, list[Any]] = {path: [] for path in kinds}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept[self.path].append(kinds[self.path].FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._kept = kept
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def traces(self) -> list[Any]:
        return [each for request in self._kept["/v1/traces"] for each in request.resource_spans]

    @property
    def spans(self) -> dict[str, Any]:
        found = [span for each in self.traces for scope in each.scope_spans for span in scope.spans]
        return {span.name: span for span in found}

    @property
    def metrics(self) -> dict[str, Any]:
        (request,) = self._kept["/v1/metrics"]
        return {m.name: m for each in request.resource_metrics for s in each.scope_metrics for m in s.metrics}


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def values(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}


async def sent(tracer: Tracer, metrics: Metrics) -> None:
    async def observe() -> None:
        pass

    running = asyncio.create_task(tracer.run(metrics.registry, observe))
    await asyncio.sleep(0)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def plane(collector: Collector, engine: App, planner: FakePlanner) -> tuple[DataPlane, Tracer]:
    tracer = open_tracer(collector.url + "/")
    assert tracer is not None
    limits = Limits([], 10_000, DECLINE, "1.2.3")
    supervisor: Any = FakeSupervisor(engine, "", None)  # type: ignore[arg-type]
    served: Any = planner
    return DataPlane(supervisor, served, limits, None, Recorder(Metrics()), tracer), tracer


@pytest.mark.anyio
async def test_the_stages_of_a_request_are_one_trace_with_the_callers_and_the_engines(
    collector: Collector,
) -> None:
    engine = FakeEngine("Ada Quill sails, I think.")
    app, tracer = plane(collector, engine, FakePlanner(PlanKind.RESTRICT))
    async with client(app) as http:
        headers = {
            "traceparent": f"00-{TRACE}-{PARENT}-01",
            "tracestate": "who=marzipan",
            "baggage": "who=marzipan",
        }
        assert (await http.post(CHAT, json=ASK, headers=headers)).status_code == 200
    await sent(tracer, app.metrics)
    spans = collector.spans
    assert {f"POST {CHAT}", "judge", "answer", f"engine {CHAT}"} <= spans.keys()
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    root, answer, call = spans[f"POST {CHAT}"], spans["answer"], spans[f"engine {CHAT}"]
    assert root.parent_span_id.hex() == PARENT
    assert spans["judge"].parent_span_id == answer.parent_span_id == root.span_id
    assert call.parent_span_id == answer.span_id
    said = values(root.attributes)
    assert said["http.route"] == CHAT
    assert said["http.response.status_code"] == 200
    assert said["lethe.plan"] == "restrict"
    assert said["lethe.policy_version"] == 7
    assert values(answer.attributes)["lethe.withheld"] is True
    (passed,) = [scope["headers"] for scope in engine.scopes if scope["path"] == CHAT]
    assert (b"traceparent", f"00-{TRACE}-{call.span_id.hex()}-01".encode()) in passed
    assert not [name for name, _ in passed if name in (b"tracestate", b"baggage")]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_no_text_of_request_answer_or_target_is_in_anything_that_is_sent(
    collector: Collector, stream: bool
) -> None:
    class Failing(FakeEngine):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == CHAT and len(self.scopes) > 2:
                raise RuntimeError("Ada Quill sails the zephyrine")
            await super().__call__(scope, receive, send)

    app, tracer = plane(collector, Failing("Ada Quill sails."), FakePlanner(PlanKind.RESTRICT))
    headers = {
        "x-request-id": "marzipan",
        "user-agent": "marzipan",
        "traceparent": "marzipan",
        "tracestate": "who=marzipan",
        "baggage": "who=marzipan",
    }
    async with client(app) as http:
        for _ in range(4):
            await http.post(CHAT, json={**ASK, "stream": stream, "user": "marzipan"}, headers=headers)
        await http.get("/marzipan/zephyrine?who=Quill", headers=headers)
        await http.request("MARZIPAN", CHAT, headers=headers)
        await http.post("/v1/models/marzipan", json=ASK, headers=headers)
    await sent(tracer, app.metrics)
    assert {"GET other", f"_OTHER {CHAT}"} <= collector.spans.keys()
    everything = [str(each) for each in (*collector.traces, *collector.metrics.values())]
    assert not [text for text in TEXTS for each in everything if text.lower() in each.lower()]
    errors = [values(span.attributes).get("error.type") for span in collector.spans.values()]
    assert "RuntimeError" in errors


@pytest.mark.anyio
async def test_metrics_are_sent_as_they_are_scraped(collector: Collector) -> None:
    tracer = open_tracer(collector.url)
    assert tracer is not None
    metrics = Metrics()
    metrics.count_response(CHAT, 200, 0.03)
    metrics.count_response(CHAT, 200, 300.0)
    metrics.set_state(9, 8, {Mode.ENFORCE: 3}, 0, up=True)
    await sent(tracer, metrics)
    found = collector.metrics
    (requests,) = found["lethe_requests"].sum.data_points
    assert requests.as_double == 2
    assert found["lethe_requests"].sum.is_monotonic
    assert values(requests.attributes) == {"route": CHAT, "status": "200"}
    (duration,) = found["lethe_request_duration_seconds"].histogram.data_points
    assert duration.count == 2
    assert duration.sum == pytest.approx(300.03)
    assert list(duration.explicit_bounds)[:4] == [0.005, 0.01, 0.025, 0.05]
    assert list(duration.bucket_counts)[:4] == [0, 0, 0, 1]
    assert duration.bucket_counts[-1] == 1
    assert len(duration.bucket_counts) == len(duration.explicit_bounds) + 1
    versions = {
        values(p.attributes)["stage"]: p.as_double for p in found["lethe_policy_version"].gauge.data_points
    }
    assert versions == {"stored": 9, "enforced": 8}
    families = {family.name for family in metrics.registry.collect()}
    assert found.keys() == families


@pytest.mark.anyio
async def test_durations_name_the_trace_that_took_them(collector: Collector) -> None:
    app, tracer = plane(collector, FakeEngine("I know nobody."), FakePlanner(PlanKind.RESTRICT))
    async with client(app) as http:
        await http.post(CHAT, json=ASK, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    await sent(tracer, app.metrics)
    text = app.metrics.exposition("application/openmetrics-text; version=1.0.0").content.decode()
    lines = [line for line in text.splitlines() if f'trace_id="{TRACE}"' in line]
    assert {line.partition("{")[0] for line in lines} == {
        "lethe_request_duration_seconds_bucket",
        "lethe_overhead_seconds_bucket",
    }
    # Prometheus' older format has no place for them.
    assert TRACE not in app.metrics.exposition("text/plain").content.decode()


@pytest.mark.anyio
async def test_what_the_caller_does_not_want_sampled_is_not(collector: Collector) -> None:
    app, tracer = plane(collector, FakeEngine("I know nobody."), FakePlanner())
    async with client(app) as http:
        await http.post(CHAT, json=ASK, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    await sent(tracer, app.metrics)
    assert collector.spans == {}
    assert TRACE not in app.metrics.exposition("application/openmetrics-text").content.decode()


@pytest.mark.anyio
async def test_probes_are_no_traces(collector: Collector) -> None:
    app, tracer = plane(collector, FakeEngine(), FakePlanner())
    async with client(app) as http:
        for path in ("/livez", "/readyz", "/health"):
            await http.get(path)
    await sent(tracer, app.metrics)
    assert collector.spans == {}


@pytest.mark.anyio
async def test_a_collector_that_is_away_fails_no_request(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    collector.close()
    app, tracer = plane(collector, FakeEngine("I know nobody."), FakePlanner())
    async with client(app) as http:
        assert (await http.post(CHAT, json=ASK)).status_code == 200
    await sent(tracer, app.metrics)


def test_without_the_setting_nothing_of_it_is_imported() -> None:
    program = (
        "import sys; from serving.telemetry.opening import open_tracer\n"
        "from serving.telemetry.tracing import exemplar, note, span, trace_headers\n"
        "assert open_tracer('') is None\n"
        "with span('judge'): note(touched=1)\n"
        "assert exemplar() is None and trace_headers() == []\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_where_opentelemetry_is_missing_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "serving.telemetry.otlp", None)
    with pytest.raises(BadSettings, match="extra telemetry"):
        open_tracer("http://127.0.0.1:4318")


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://", "/v1/traces"])
def test_an_endpoint_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="otlp_endpoint"):
        load(otlp_endpoint=url)
