"""How keys are read from settings and headers, and how one that a client sends is compared with those let in."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator

from pydantic import SecretStr


def key_matches(given: str | bytes, keys: Iterable[SecretStr]) -> bool:
    """Return whether `given` is one of `keys`, in a time that tells neither which one nor how much of it agrees.

    Every key is compared. Text is compared as UTF-8.
    """
    sent = given if isinstance(given, bytes) else _encoded(given)
    matches = [hmac.compare_digest(sent, _encoded(key.get_secret_value())) for key in keys]
    return any(matches)


def trimmed(key: SecretStr) -> SecretStr:
    """Return `key` without the blanks and line ends around it, which a file or a shell adds and no header carries.

    Raises ValueError for a control character inside it.
    """
    text = key.get_secret_value().strip()
    if not is_sendable(text):
        raise ValueError("holds a control character, which no header carries")
    return SecretStr(text)


def joined(keys: SecretStr) -> SecretStr:
    """Return the keys of a comma-separated list as such a list, each trimmed. Raises ValueError as `trimmed`."""
    return SecretStr(",".join(key.get_secret_value() for key in listed(keys)))


def is_sendable(key: str) -> bool:
    """Return whether a header can carry `key`."""
    return not any(char < " " or char == "\x7f" for char in key)


def listed(keys: SecretStr) -> tuple[SecretStr, ...]:
    """Return the keys of a comma-separated list, each trimmed. An empty one is none, so that it lets nobody in.

    Raises ValueError as `trimmed` does.
    """
    return tuple(trimmed(SecretStr(key)) for key in keys.get_secret_value().split(",") if key.strip())


def bearer_keys(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield the keys of `Authorization: Bearer` headers; the scheme is read in any case (RFC 9110)."""
    for name, value in headers:
        scheme, _, key = value.strip().partition(b" ")
        if name == b"authorization" and scheme.lower() == b"bearer":
            yield key.strip()


def api_keys(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield the keys of `x-api-key` headers, as Anthropic's clients send them."""
    return (value.strip() for name, value in headers if name == b"x-api-key")


def _encoded(text: str) -> bytes:
    # Half a surrogate pair, which no client can send, must equal nothing and break nothing.
    return text.encode(errors="surrogatepass")
