"""How a key that a client sends is compared with those that are let in."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from pydantic import SecretStr


def key_matches(given: str | bytes, keys: Iterable[SecretStr]) -> bool:
    """Return whether `given` is one of `keys`, in a time that tells neither which one nor how much of it agrees.

    Every key is compared. Text is compared as UTF-8.
    """
    sent = given if isinstance(given, bytes) else _encoded(given)
    matches = [hmac.compare_digest(sent, _encoded(key.get_secret_value())) for key in keys]
    return any(matches)


def _encoded(text: str) -> bytes:
    # Half a surrogate pair, which no client can send, must equal nothing and break nothing.
    return text.encode(errors="surrogatepass")
