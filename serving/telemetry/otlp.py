"""Spans and metrics by OTLP over HTTP, with OpenTelemetry's SDK: imported only where `otlp_endpoint` is set.

Sampling, headers, compression and the period of metrics are those of OpenTelemetry's own environment variables
(`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_METRIC_EXPORT_INTERVAL` and the like).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.metadata import version
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Span, SpanKind, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.samples import Sample

from serving.telemetry.tracing import Attribute

log = logging.getLogger("lethe")

NAME = "lethe"
METRICS_PERIOD_S = 60.0
"""Unless `OTEL_METRIC_EXPORT_INTERVAL` says otherwise, in milliseconds."""
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST"})
CLOSE_S = 5.0
"""How long what is left may take to be sent at the end."""


class OtlpTracer:
    """A tracer that sends spans, and the server's metrics, to the collector at a base URL."""

    def __init__(self, endpoint: str) -> None:
        base = endpoint.rstrip("/")
        about = {"service.version": version("lethe"), "service.instance.id": str(uuid.uuid4())}
        self._resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or NAME, **about})
        self._provider = TracerProvider(resource=self._resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/traces")))
        self._tracer = self._provider.get_tracer(NAME, version("lethe"))
        self._metrics = OTLPMetricExporter(endpoint=f"{base}/v1/metrics")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, route: str, traceparent: str) -> Iterator[None]:
        """Open the span of a request; of the caller's context only the ids and the flag are taken, and no text."""
        parent = self._propagator.extract({"traceparent": traceparent}, Context())
        # A method may be any word.
        known = method if method in METHODS else "_OTHER"
        with self._open(f"{known} {route}", SpanKind.SERVER, parent) as opened:
            opened.set_attributes({"http.request.method": known, "http.route": route})
            yield

    @contextmanager
    def span(self, name: str, *, calls: bool = False) -> Iterator[None]:
        """Open a span within the current one."""
        with self._open(name, SpanKind.CLIENT if calls else SpanKind.INTERNAL):
            yield

    @contextmanager
    def _open(self, name: str, kind: SpanKind, parent: Context | None = None) -> Iterator[Span]:
        # The message of an exception may hold a text, its type never does.
        with self._tracer.start_as_current_span(
            name, parent, kind, record_exception=False, set_status_on_exception=False
        ) as opened:
            try:
                yield opened
            except Exception as error:
                opened.set_attribute("error.type", type(error).__name__)
                raise

    def note(self, attributes: Mapping[str, Attribute]) -> None:
        """Add attributes to the current span."""
        get_current_span().set_attributes(_plain(attributes))

    def event(self, name: str, attributes: Mapping[str, Attribute]) -> None:
        """Add an event to the current span."""
        get_current_span().add_event(name, _plain(attributes))

    def traceparent(self) -> str:
        """Return the W3C `traceparent` of the current span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent", "")

    def exemplar(self) -> dict[str, str] | None:
        """Return the ids of the current span, as labels of an exemplar, if it is sampled."""
        context = get_current_span().get_span_context()
        if not context.trace_flags.sampled:
            return None
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    async def run(self, metrics: CollectorRegistry, observe: Callable[[], Awaitable[None]]) -> None:
        """Send `metrics` once each period until cancelled; then send them and the last spans, and close."""
        period_s = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or METRICS_PERIOD_S * 1000) / 1000
        try:
            while True:
                await asyncio.sleep(period_s)
                await self._send(metrics, observe)
        finally:
            await asyncio.to_thread(self._close, metrics)

    async def _send(self, metrics: CollectorRegistry, observe: Callable[[], Awaitable[None]]) -> None:
        try:
            await observe()
            await asyncio.to_thread(self._export, metrics)
        except Exception as error:
            log.warning("metrics were not sent: %s", type(error).__name__)

    def _export(self, metrics: CollectorRegistry) -> None:
        scope = ScopeMetrics(InstrumentationScope(NAME, version("lethe")), metrics_of(metrics), "")
        self._metrics.export(MetricsData([ResourceMetrics(self._resource, [scope], "")]))

    def _close(self, metrics: CollectorRegistry) -> None:
        self._export(metrics)
        self._provider.force_flush(int(CLOSE_S * 1000))
        self._provider.shutdown()
        self._metrics.shutdown()


def _plain(attributes: Mapping[str, Attribute]) -> dict[str, str | int | float | bool]:
    return {name: value.value if isinstance(value, StrEnum) else value for name, value in attributes.items()}


def metrics_of(metrics: CollectorRegistry) -> list[Metric]:
    """Return the server's metrics as OpenTelemetry has them, under the same names."""
    now = time.time_ns()
    return [_metric(family, now) for family in metrics.collect()]


def _metric(family: Family, now: int) -> Metric:
    samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    began = {_key(s): int(s.value * 1e9) for s in family.samples if s.name.endswith("_created")}
    data: Sum | Gauge | Histogram
    if family.type == "histogram":
        points = [_histogram(group, began.get(key, now), now) for key, group in _grouped(samples).items()]
        data = Histogram(points, AggregationTemporality.CUMULATIVE)
    else:
        numbers = [NumberDataPoint(s.labels, began.get(_key(s), now), now, s.value) for s in samples]
        is_sum = family.type == "counter"
        data = Sum(numbers, AggregationTemporality.CUMULATIVE, True) if is_sum else Gauge(numbers)
    return Metric(family.name, family.documentation, "s" if family.name.endswith("_seconds") else "", data)


def _key(sample: Sample) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in sample.labels.items() if name != "le")


def _grouped(samples: Sequence[Sample]) -> dict[frozenset[tuple[str, str]], list[Sample]]:
    groups: dict[frozenset[tuple[str, str]], list[Sample]] = {}
    for sample in samples:
        groups.setdefault(_key(sample), []).append(sample)
    return groups


def _histogram(samples: Sequence[Sample], began: int, now: int) -> HistogramDataPoint:
    buckets = [(float(s.labels["le"]), int(s.value)) for s in samples if s.name.endswith("_bucket")]
    counts = [after - before for (_, before), (_, after) in zip([(0.0, 0), *buckets], buckets, strict=False)]
    (total,) = [s for s in samples if s.name.endswith("_sum")]
    bounds = [bound for bound, _ in buckets[:-1]]
    # Prometheus keeps neither the least nor the greatest; the exporter leaves out what is None.
    unknown: Any = None
    return HistogramDataPoint(
        total.labels, began, now, buckets[-1][1], total.value, counts, bounds, min=unknown, max=unknown
    )
