"""Where the admin plane is, and with which key: given, or as the environment says."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from guard.errors import BadSettings
from serving.client.errors import NotConfigured
from serving.environment import is_service_variable
from serving.http.tls import trusted
from serving.keys import is_sendable

DEFAULT_URL = "http://127.0.0.1:8001"
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Connection:
    """The admin plane at `url`, and the key to it. Raises NotConfigured where one of them cannot be used."""

    url: str = field(repr=False)
    key: SecretStr

    def __post_init__(self) -> None:
        if not is_sendable(self.key.get_secret_value()):
            raise NotConfigured("bad_key", "LETHE_ADMIN_KEY holds a control character, which no header carries")
        if _parsed(self.url) is None:
            raise NotConfigured("bad_settings", f"ADMIN_URL must be a URL such as {DEFAULT_URL}")

    @classmethod
    def from_environment(cls) -> Connection:
        """Return ADMIN_URL (or ADMIN_PORT on loopback) with the key in LETHE_ADMIN_KEY. Raises NotConfigured."""
        # As the server reads it.
        key = os.environ.get("LETHE_ADMIN_KEY", "").strip()
        if not key:
            raise NotConfigured("missing_key", "set LETHE_ADMIN_KEY to the key that `lethe serve` printed")
        return cls(os.environ.get("ADMIN_URL") or _port_url(os.environ.get("ADMIN_PORT", "")), SecretStr(key))

    @property
    def place(self) -> str:
        """The address without a password that may be in it."""
        return str(httpx.URL(self.url).copy_with(userinfo=b"")).rstrip("/")

    def authorities(self) -> ssl.SSLContext | bool:
        """Return what httpx verifies certificates with. Raises NotConfigured."""
        if httpx.URL(self.url).scheme == "http":
            # No certificate is sent there, and reading the authorities takes a tenth of a second.
            return False
        try:
            return trusted()
        except BadSettings as error:
            raise NotConfigured(error.code, error.message) from None

    def headers(self) -> dict[bytes, bytes]:
        """Return the headers of every request."""
        key = self.key.get_secret_value()
        return {b"authorization": b"Bearer " + key.encode(errors="surrogateescape")}


def _port_url(port: str) -> str:
    # A Kubernetes Service called "admin" sets ADMIN_PORT=tcp://...
    if not port or is_service_variable("ADMIN_PORT", port):
        return DEFAULT_URL
    if port.isascii() and port.isdigit() and int(port) <= MAX_PORT:
        return f"http://127.0.0.1:{port}"
    raise NotConfigured("bad_settings", "ADMIN_PORT must be the number of a port")


def _parsed(url: str) -> httpx.URL | None:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return None
    return parsed if parsed.scheme in ("http", "https") and parsed.host else None
