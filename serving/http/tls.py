"""Which certificates are trusted where this package is a client."""

from __future__ import annotations

import os
import ssl

import httpx

from guard.errors import BadSettings


def trusted() -> ssl.SSLContext | bool:
    """Return what httpx verifies certificates with: the authorities of SSL_CERT_FILE, or else its own.

    Proxies named in the environment stay unused, hence httpx's `trust_env` does not serve. Raises BadSettings.
    """
    file = os.environ.get("SSL_CERT_FILE")
    if not file:
        return True
    try:
        return ssl.create_default_context(cafile=file)
    except (OSError, ssl.SSLError):
        raise BadSettings("SSL_CERT_FILE is no file of certificates in PEM") from None


def is_untrusted(error: httpx.HTTPError) -> bool:
    """Return whether a request failed because the other side's certificate is not trusted."""
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


UNTRUSTED = "its certificate is not trusted; SSL_CERT_FILE names a file of authorities"
