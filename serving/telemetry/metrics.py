"""Prometheus metrics of one server. No label holds a text, a target or a client.

They have a registry of their own, apart from the engine's metrics. docs/metrics.md describes each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from time import perf_counter
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from guard.detection.detector import TouchedBy
from guard.policy.plan import PlanKind
from guard.targets.target import Mode
from serving.telemetry.tracing import exemplar

REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
STAGE_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
# Finer around 50 ms, the most that a client may wait for the loop.
LAG_BUCKETS_S = (
    *(0.001, 0.0025, 0.005, 0.01, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
RESTART_BUCKETS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
BUCKETS_CHARS = (0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)


class FailClosed(StrEnum):
    """Why a request failed closed: it got no answer from the model although its plan allowed one."""

    NOT_READY = "not_ready"
    ROW_FAILED = "row_failed"
    ENGINE_FAILED = "engine_failed"


class Exposition(NamedTuple):
    """All metrics as Prometheus reads them, and their media type."""

    content: bytes
    content_type: str


class Timed(NamedTuple):
    """How often something was timed since the start, and the mean of its seconds (0 where it never was)."""

    times: int
    mean_s: float


class Metrics:
    """The metrics of a server. Every method is cheap and never raises."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._make_request_metrics()
        self._make_policy_metrics()
        self._agent_calls = self._counter("agent_calls", "Calls of the agents' models.", "role", "outcome")
        self._agent_tokens = self._counter("agent_tokens", "Tokens of the agents' models.", "role", "direction")

    def _make_request_metrics(self) -> None:
        self._requests = self._counter("requests", "Answered requests of the data plane.", "route", "status")
        self._in_flight = self._gauge("requests_in_flight", "Requests that generate, in progress.")
        self._duration = self._histogram(
            "request_duration_seconds", "Until the last byte.", REQUEST_BUCKETS_S, "route"
        )
        self._first = self._histogram(
            "time_to_first_token_seconds", "Until a stream's first byte.", REQUEST_BUCKETS_S, "route"
        )
        self._overhead = self._histogram(
            "overhead_seconds", "Work that is not the engine's.", STAGE_BUCKETS_S, "stage"
        )
        self._lag = self._histogram("loop_lag_seconds", "How late the event loop is.", LAG_BUCKETS_S)
        self._held = self._histogram(
            "holdback_chars", "Most characters held back at once, per answer.", BUCKETS_CHARS
        )
        self._withheld = self._counter("withheld_answers", "Answers from which the output guard kept text.")
        self._restarts = self._histogram(
            "answer_restarts", "Times that an answer which may backtrack began a word again.", RESTART_BUCKETS
        )
        self._closed = self._counter("fail_closed", "Requests that got no answer of the model's.", "reason")

        self._early = self._counter("early_calls", "Calls that began before their request was judged.", "outcome")

    def _make_policy_metrics(self) -> None:
        self._verdicts = self._counter(
            "verdicts", "Plans, and what shadow targets would have had.", "action", "mode", "touched_by"
        )
        self._canaries = self._counter("canary_requests", "Requests and targets with a canary share.", "mode")
        self._dropped = self._counter("verdicts_dropped", "Verdicts that were not recorded.")
        self._version = self._gauge("policy_version", "Version stored and version enforced.", "stage")
        self._targets = self._gauge("targets", "Targets of the enforced version.", "mode")
        self._pending = self._gauge("targets_pending", "Targets in force that are not embedded yet.")
        self._audit = self._gauge("audit_intact", "1 while the audit trail held when last verified.")
        self._audit.set(1)
        self._engine = self._gauge("engine_up", "1 while requests may be answered.")

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"lethe_{name}", help, labels, registry=self.registry)

    def _histogram(self, name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"lethe_{name}", help, labels, registry=self.registry, buckets=buckets)

    def _gauge(self, name: str, help: str, *labels: str) -> Gauge:
        return Gauge(f"lethe_{name}", help, labels, registry=self.registry)

    def count_response(self, route: str, status: int, seconds: float) -> None:
        """Count a response of the data plane and its duration; `route` is one that is served, or `other`."""
        self._requests.labels(route, str(status)).inc()
        self._duration.labels(route).observe(seconds, exemplar())

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a request as in progress."""
        with self._in_flight.track_inprogress():
            yield

    def observe_first_byte(self, route: str, seconds: float) -> None:
        """Observe the seconds until a stream's first byte."""
        self._first.labels(route).observe(seconds, exemplar())

    @contextmanager
    def time_stage(self, name: str) -> Iterator[None]:
        """Time one stage of the server's own work on a request."""
        started = perf_counter()
        try:
            yield
        finally:
            self._overhead.labels(name).observe(perf_counter() - started, exemplar())

    def stage(self, name: str) -> Timed:
        """Return how often a stage was timed, and how long it took."""
        samples = {
            sample.name.rpartition("_")[2]: sample.value
            for sample in next(iter(self._overhead.collect())).samples
            if sample.labels.get("stage") == name and "le" not in sample.labels
        }
        count = int(samples.get("count", 0))
        return Timed(count, samples["sum"] / count if count else 0.0)

    def observe_loop_lag(self, seconds: float) -> None:
        """Observe how late the event loop of both planes came to a task that was due."""
        self._lag.observe(seconds)

    def observe_output_guard(self, max_held: int, withheld: bool) -> None:
        """Observe how much the output guard held back of an answer, and whether it withheld any of it."""
        self._held.observe(max_held)
        if withheld:
            self._withheld.inc()

    def observe_restarts(self, restarts: int) -> None:
        """Observe how often an answer that may backtrack did."""
        self._restarts.observe(restarts)

    def count_early_call(self, outcome: Literal["kept", "dropped"]) -> None:
        """Count a call of the engine that began before its request was judged."""
        self._early.labels(outcome).inc()

    def count_fail_closed(self, reason: FailClosed) -> None:
        """Count a request that failed closed."""
        self._closed.labels(reason.value).inc()

    def count_plan(self, action: PlanKind, mode: Mode, touched_by: TouchedBy = TouchedBy.QUESTION) -> None:
        """Count a plan: one that was made (`enforce`), or that a shadow target would have had (`shadow`).

        `touched_by` says what it was made for: every request has one plan for its question.
        """
        self._verdicts.labels(action.value, mode.value, touched_by.value).inc()

    def count_canaries(self, mode: Mode, targets: int) -> None:
        """Count the targets with a canary share that a request met in `mode`, whether it touches them or not."""
        self._canaries.labels(mode.value).inc(targets)

    def count_dropped_verdicts(self, count: int) -> None:
        """Count verdicts that were dropped so that no request had to wait."""
        self._dropped.inc(count)

    def count_agent_call(self, role: str, outcome: str, prompt_tokens: int, completion_tokens: int) -> None:
        """Count a model call of the agents and its tokens; `role` and `outcome` come from closed sets."""
        self._agent_calls.labels(role, outcome).inc()
        self._agent_tokens.labels(role, "read").inc(prompt_tokens)
        self._agent_tokens.labels(role, "said").inc(completion_tokens)

    def set_audit_intact(self, intact: bool) -> None:
        """Set whether the audit trail held when it was last verified."""
        self._audit.set(intact)

    def set_state(self, stored: int, enforced: int, targets: Mapping[Mode, int], pending: int, up: bool) -> None:
        """Set the metrics of the state of the policy and the engine."""
        self._version.labels("stored").set(stored)
        self._version.labels("enforced").set(enforced)
        for mode in Mode:
            self._targets.labels(mode.value).set(targets.get(mode, 0))
        self._pending.set(pending)
        self._engine.set(up)

    def exposition(self, accept: str = "") -> Exposition:
        """Return all metrics in the format that an `Accept` header asks for: Prometheus' text by default, or
        OpenMetrics, which has exemplars."""
        encode, content_type = choose_encoder(accept)
        return Exposition(encode(self.registry), content_type)
