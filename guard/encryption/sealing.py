"""Seals records: AES-256-GCM under a secret key, bound to the identity of the record."""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guard.errors import StoreUnavailable

KEY_BYTES = 32
_NONCE_BYTES = 12
_LENGTH = struct.Struct(">I")
_VERSION = b"\x01"
"""The first byte of what is sealed: says how it was."""


class SealBroken(StoreUnavailable):
    """What was sealed was altered, or belongs to another record or to another key."""

    code = "seal_broken"


@dataclass(frozen=True, slots=True)
class Secret:
    """A key of AES-256: KEY_BYTES bytes, which are not printed."""

    value: bytes = field(repr=False)
    # Made once: a data key opens the key of every target.
    cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.value) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        object.__setattr__(self, "cipher", AESGCM(self.value))


def new_secret() -> Secret:
    """Return a random key."""
    return Secret(secrets.token_bytes(KEY_BYTES))


def seal(key: Secret, content: bytes, *identity: str) -> bytes:
    """Return `content` encrypted and authenticated; `open_sealed` needs the same key and the same identity.

    The nonce is random, so that a key may seal some four thousand million records.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + nonce + key.cipher.encrypt(nonce, content, _joined(identity))


def open_sealed(key: Secret, sealed: bytes, *identity: str) -> bytes:
    """Return what was sealed. Raises SealBroken if it was altered, or the key or the identity is another."""
    nonce, content = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
        raise SealBroken("a sealed record is damaged")
    try:
        return key.cipher.decrypt(nonce, content, _joined(identity))
    except InvalidTag:
        raise SealBroken("a sealed record was altered, or belongs to another record or key") from None


def _joined(identity: tuple[str, ...]) -> bytes:
    """Return the identity as bytes that no other identity has."""
    joined = b""
    for part in identity:
        encoded = part.encode()
        joined += _LENGTH.pack(len(encoded)) + encoded
    return joined
