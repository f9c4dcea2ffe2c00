"""The settings of what others learn of a server: its log, traces and metrics, audit trail and webhooks."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from serving.audit.webhook import Webhook


def _collector(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("not a URL")
    return url


class ObservationSettings(BaseSettings):
    """A part of `serving.settings.Settings`."""

    log_format: Literal["text", "json"] = Field(
        "text", description="Form of the log on standard error: lines of text, or a JSON object a line."
    )
    otlp_endpoint: Annotated[str, AfterValidator(_collector)] = Field(
        "", description="Base URL of an OTLP/HTTP collector, as in `http://collector:4318`; empty: none."
    )
    audit_period_s: int = Field(
        3600,
        ge=1,
        description="Seconds between two looks at the audit trail: what is new is verified and signed.",
    )
    webhooks: tuple[Webhook, ...] = Field(
        (),
        description="Whom to tell of targets and policy versions: `url`, `secret` and `events` of each, as JSON.",
    )
