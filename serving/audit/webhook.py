"""A webhook, as it is configured: whom to tell of which events, and by which secret that is signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

MIN_SECRET_CHARS = 16
ENCODED = "whsec_"
"""What a secret begins with whose rest is base64, as Standard Webhooks has it."""


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not a URL of http or https without a password")
    return url


def _secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < MIN_SECRET_CHARS:
        raise ValueError("too short")
    key_of(secret)
    return secret


class Webhook(BaseModel):
    """Whom to tell: a URL, the secret that signs, and the types of events (all, if empty)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_url)]
    secret: Annotated[SecretStr, AfterValidator(_secret)]
    events: tuple[
        Literal[
            "target.added",
            "target.changed",
            "target.revoked",
            "target.expired",
            "target.elicited",
            "target.revealed",
            "target.proposed",
            "target.approved",
            "target.rejected",
            "policy.enforced",
        ],
        ...,
    ] = ()

    @property
    def id(self) -> str:
        """A name for the webhook that does not tell its URL."""
        return f"wh_{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"

    def takes(self, type: str) -> bool:
        """Return whether the webhook is told events of this type."""
        return not self.events or type in self.events


def key_of(secret: SecretStr) -> bytes:
    """Return the bytes that sign: those of a secret `whsec_...` are base64. Raises ValueError if they are not."""
    given = secret.get_secret_value()
    if not given.startswith(ENCODED):
        return given.encode()
    try:
        return base64.b64decode(given.removeprefix(ENCODED), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
