"""The Ed25519 key of a server, which signs certificates and checkpoints of the audit trail."""

from __future__ import annotations

import hmac
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from guard.errors import LetheError
from guard.signatures import ALGORITHM, canonical

KEY_NAME = "certificate.key"
"""The file in the data folder."""


class BadSigningKey(LetheError):
    """The file of a signing key cannot be read, written or used."""

    code = "bad_signing_key"


class SigningKey:
    """An Ed25519 private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Return the key in a PEM file that only its owner may read. Raises BadSigningKey."""
        try:
            if path.stat().st_mode & 0o077:
                raise BadSigningKey(f"{path}: others may read this key; chmod 600 it, or take another")
            key = load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise BadSigningKey(f"{path}: the key cannot be read ({error.strerror})") from None
        except (ValueError, TypeError):
            raise BadSigningKey(f"{path}: not a private key in PEM without a password") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadSigningKey(f"{path}: not an Ed25519 key")
        return cls(key)

    @classmethod
    def load_or_make(cls, path: Path) -> SigningKey:
        """Return the key in this file; create the file with mode 0600 if there is none. Raises BadSigningKey."""
        if path.exists():
            return cls.load(path)
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
        except OSError as error:
            raise BadSigningKey(f"{path}: the key cannot be written ({error.strerror})") from None
        return cls(key)

    def digest(self, value: object) -> str:
        """Return the HMAC-SHA256 of a value under a key that only this key's holder can derive.

        A plain hash of a name could be reversed by hashing names.
        """
        raw = self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        derived = hmac.digest(raw, b"lethe certificate digests", "sha256")
        return hmac.digest(derived, canonical(value), "sha256").hex()

    def sign(self, payload: dict[str, Any], member: str = "certificate") -> bytes:
        """Return one line of canonical JSON: the payload as `member`, and its signature."""
        signature = {
            "algorithm": ALGORITHM,
            "public_key": self.public,
            "value": self._key.sign(canonical(payload)).hex(),
        }
        return canonical({member: payload, "signature": signature}) + b"\n"
