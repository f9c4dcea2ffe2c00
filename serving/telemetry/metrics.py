"""Prometheus metrics of one server; no label holds a text, a target or a client.

Counters and gauges live in a registry of their own, so that the engine's never mix with them. What each means is
listed in docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from guard.policy.plan import PlanKind
from guard.targets.target import Mode

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
SHORT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
CHARS = (0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)


class Closed(StrEnum):
    """Why the server gave no answer of the model's although the policy did not say so."""

    NOT_READY = "not_ready"
    ROW_FAILED = "row_failed"
    ENGINE_FAILED = "engine_failed"


class Metrics:
    """What happened, in numbers; every method is cheap, takes no lock for long and never raises."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._make_request_metrics()
        self._make_policy_metrics()
        self._agent_calls = self._counter("agent_calls", "Calls of the agents' models.", "role", "outcome")
        self._agent_tokens = self._counter("agent_tokens", "Tokens of the agents' models.", "role", "direction")

    def _make_request_metrics(self) -> None:
        self._requests = self._counter("requests", "Answered requests of the data plane.", "route", "status")
        self._duration = self._histogram("request_duration_seconds", "Until the last byte.", SECONDS, "route")
        self._first = self._histogram(
            "time_to_first_token_seconds", "Until a stream's first byte.", SECONDS, "route"
        )
        self._overhead = self._histogram(
            "overhead_seconds", "Work that is not the engine's.", SHORT_SECONDS, "stage"
        )
        self._held = self._histogram("holdback_chars", "Most characters held back at once, per answer.", CHARS)
        self._withheld = self._counter("withheld_answers", "Answers from which the output guard kept text.")
        self._closed = self._counter("fail_closed", "Requests that got no answer of the model's.", "reason")

    def _make_policy_metrics(self) -> None:
        self._verdicts = self._counter(
            "verdicts", "Plans, and what shadow targets would have had.", "action", "mode"
        )
        self._dropped = self._counter("verdicts_dropped", "Verdicts that were not recorded.")
        self._version = self._gauge("policy_version", "Version stored and version enforced.", "stage")
        self._targets = self._gauge("targets", "Targets of the enforced version.", "mode")
        self._engine = self._gauge("engine_up", "1 while requests may be answered.")

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"lethe_{name}", help, labels, registry=self.registry)

    def _histogram(self, name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"lethe_{name}", help, labels, registry=self.registry, buckets=buckets)

    def _gauge(self, name: str, help: str, *labels: str) -> Gauge:
        return Gauge(f"lethe_{name}", help, labels, registry=self.registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """A request of the data plane ended; `route` is one that is served, or `other`."""
        self._requests.labels(route, str(status)).inc()
        self._duration.labels(route).observe(seconds)

    def spoke(self, route: str, seconds: float) -> None:
        """A stream's first byte left."""
        self._first.labels(route).observe(seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage of our own work on a request."""
        started = perf_counter()
        try:
            yield
        finally:
            self._overhead.labels(name).observe(perf_counter() - started)

    def guarded(self, most_held: int, withheld: bool) -> None:
        """An answer left through the output guard."""
        self._held.observe(most_held)
        if withheld:
            self._withheld.inc()

    def closed(self, reason: Closed) -> None:
        """A request got no answer of the model's, for safety."""
        self._closed.labels(reason.value).inc()

    def verdict(self, action: PlanKind, mode: Mode) -> None:
        """A plan was made (`enforce`), or would have been made of a shadow target (`shadow`)."""
        self._verdicts.labels(action.value, mode.value).inc()

    def dropped(self, count: int) -> None:
        """Verdicts were lost rather than letting a request wait."""
        self._dropped.inc(count)

    def agent_called(self, role: str, outcome: str, read: int = 0, said: int = 0) -> None:
        """A model was called for an agent; `role` and `outcome` are of closed sets, the rest counts tokens."""
        self._agent_calls.labels(role, outcome).inc()
        self._agent_tokens.labels(role, "read").inc(read)
        self._agent_tokens.labels(role, "said").inc(said)

    def exposed(self, stored: int, enforced: int, targets: Mapping[Mode, int], up: bool) -> bytes:
        """Prometheus' text of everything, with the state of the policy and the engine as given."""
        self._version.labels("stored").set(stored)
        self._version.labels("enforced").set(enforced)
        for mode in Mode:
            self._targets.labels(mode.value).set(targets.get(mode, 0))
        self._engine.set(up)
        return generate_latest(self.registry)
