"""Ed25519 signatures (RFC 8032) over canonical JSON, and the key that makes them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from eval.core.errors import BadCertificate, BadRun

_MEMBERS = ("certificate", "signature")
_SIGNATURE = ("algorithm", "public_key", "value")
_ALGORITHM = "Ed25519"


class SignatureStatus(StrEnum):
    """valid    signed by the key it names, which is the expected key if one was given
    altered  the file differs from what was signed
    foreign  unaltered, but signed by a key other than the expected one
    """

    VALID = "valid"
    ALTERED = "altered"
    FOREIGN = "foreign"


class SignatureCheck(NamedTuple):
    """The outcome of checking a certificate. Trust `payload` only if `status` is VALID."""

    status: SignatureStatus
    payload: dict[str, Any]
    public_key: str


def canonical(value: object) -> bytes:
    """Return the canonical encoding of a JSON value (RFC 8785): sorted keys, no spaces, UTF-8.

    Numbers must be integers, which every implementation writes alike.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class SigningKey:
    """An Ed25519 private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Return the key in a PEM file that only its owner may read. Raises BadRun."""
        try:
            if path.stat().st_mode & 0o077:
                raise BadRun(f"{path}: others may read this key; chmod 600 it, or take another")
            key = load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise BadRun(f"{path}: the key cannot be read ({error.strerror})") from None
        except (ValueError, TypeError):
            raise BadRun(f"{path}: not a private key in PEM without a password") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadRun(f"{path}: not an Ed25519 key")
        return cls(key)

    @classmethod
    def load_or_make(cls, path: Path) -> SigningKey:
        """Return the key in this file; create the file with mode 0600 if there is none. Raises BadRun."""
        if path.exists():
            return cls.load(path)
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
        except OSError as error:
            raise BadRun(f"{path}: the key cannot be written ({error.strerror})") from None
        return cls(key)

    def digest(self, value: object) -> str:
        """Return the HMAC-SHA256 of a value under a key that only this key's holder can derive.

        A plain hash of a name could be reversed by hashing names.
        """
        raw = self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        derived = hmac.digest(raw, b"lethe certificate digests", "sha256")
        return hmac.digest(derived, canonical(value), "sha256").hex()

    def sign(self, payload: dict[str, Any]) -> bytes:
        """Return the certificate file: one line of canonical JSON."""
        signature = {
            "algorithm": _ALGORITHM,
            "public_key": self.public,
            "value": self._key.sign(canonical(payload)).hex(),
        }
        return canonical({"certificate": payload, "signature": signature}) + b"\n"


def check(file: bytes, expected: str | None) -> SignatureCheck:
    """Check a certificate file's signature. A single byte that differs from the signed ones makes it ALTERED.

    expected  the public key (64 hexadecimal digits) that must have signed; None accepts the key in the file
    Raises BadCertificate if the file is not a certificate at all.
    """
    try:
        document = json.loads(file)
        payload, signature = (document[name] for name in _MEMBERS)
        algorithm, public_key, value = (signature[name] for name in _SIGNATURE)
        as_signed = canonical(document) + b"\n" == file and len(document) + len(signature) == 5
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadCertificate("not a certificate: no JSON object with certificate and signature") from None
    if not isinstance(payload, dict) or algorithm != _ALGORITHM or not isinstance(public_key, str):
        raise BadCertificate("not a certificate: its members are not those of one")
    if not as_signed or not _signed(public_key, value, payload):
        return SignatureCheck(SignatureStatus.ALTERED, payload, public_key)
    foreign = expected is not None and expected != public_key
    return SignatureCheck(SignatureStatus.FOREIGN if foreign else SignatureStatus.VALID, payload, public_key)


def _signed(public_key: str, value: object, payload: dict[str, Any]) -> bool:
    try:
        raw, signature = bytes.fromhex(public_key), bytes.fromhex(str(value))
        # Uppercase digits decode to the same bytes, but the file would not be the one that was written.
        if raw.hex() != public_key or signature.hex() != value:
            return False
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, canonical(payload))
    except (ValueError, InvalidSignature):
        return False
    return True


def fingerprint(public_key: str) -> str:
    """Return 128 bits of a public key's SHA-256 as eight groups of four digits, for people to compare."""
    digest = hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:32]
    return " ".join(digest[start : start + 4] for start in range(0, 32, 4))


def public_key_of(text: str) -> str:
    """Return the public key (hexadecimal) that a user gives as digits or as a PEM file. Raises BadRun."""
    if len(text) == 64 and all(digit in "0123456789abcdefABCDEF" for digit in text):
        return text.lower()
    try:
        key = load_pem_public_key(Path(text).read_bytes())
    except (OSError, ValueError):
        raise BadRun("the public key is neither 64 hexadecimal digits nor a readable PEM file") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadRun("the public key is not an Ed25519 key")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
