"""Opens the tracer of a server whose settings name a collector: OpenTelemetry is imported here, not before."""

from __future__ import annotations

from guard.errors import BadSettings
from serving.telemetry.tracing import Tracer


def open_tracer(endpoint: str) -> Tracer | None:
    """Return a tracer that sends to the OTLP collector at `endpoint`; None if that is empty.

    Raises `BadSettings` where OpenTelemetry is not installed.
    """
    if not endpoint:
        return None
    try:
        from serving.telemetry.otlp import OtlpTracer
    except ModuleNotFoundError:
        raise BadSettings("otlp_endpoint needs OpenTelemetry: install lethe with the extra telemetry") from None
    return OtlpTracer(endpoint)
