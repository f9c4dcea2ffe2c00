"""Wrapping: keys are stored encrypted by another key, so that only that one must be kept elsewhere (envelope)."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from guard.encryption.sealing import Secret, new_secret, open_sealed, seal


class WrappedKey(NamedTuple):
    """A secret as it is stored: encrypted by the key that has the name `by`."""

    by: str
    content: bytes


def name_of(key: Secret) -> str:
    """Return the name by which records say which wrapping key they need; the key cannot be found from it."""
    return hmac.new(key.value, b"lethe wrapping key", hashlib.sha256).hexdigest()[:16]


def wrap(key: Secret, secret: Secret, *identity: str) -> WrappedKey:
    """Return `secret` encrypted by the wrapping key."""
    return WrappedKey(name_of(key), seal(key, secret.value, "key", *identity))


def unwrap(key: Secret, wrapped: WrappedKey, *identity: str) -> Secret:
    """Return the secret. Raises SealBroken if another key wrapped it, or as another one."""
    return Secret(open_sealed(key, wrapped.content, "key", *identity))


class RecordKey(NamedTuple):
    """The key of one record, and how it is stored: wrapped by the data key of number `data_key`."""

    secret: Secret
    data_key: int
    wrapped: bytes


def new_record_key(data_key: Secret, number: int, record: str) -> RecordKey:
    """Return a random key of its own for a record."""
    secret = new_secret()
    return RecordKey(secret, number, seal(data_key, secret.value, "record key", str(number), record))


def open_record_key(data_key: Secret, number: int, wrapped: bytes, record: str) -> RecordKey:
    """Return the key of a record. Raises SealBroken if it is another record's or another data key's."""
    secret = Secret(open_sealed(data_key, wrapped, "record key", str(number), record))
    return RecordKey(secret, number, wrapped)
