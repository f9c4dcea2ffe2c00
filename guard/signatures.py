"""Signatures of certificates and checkpoints: Ed25519 (RFC 8032) over canonical JSON; anybody can check them."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from guard.errors import LetheError

ALGORITHM = "Ed25519"
_SIGNATURE = ("algorithm", "public_key", "value")


class BadCertificate(LetheError):
    """A file is not a certificate; one that was altered is told apart from it."""

    code = "bad_certificate"
    status = 422


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


def check(file: bytes, expected: str | None, member: str = "certificate") -> SignatureCheck:
    """Check a certificate file's signature. A single byte that differs from the signed ones makes it ALTERED.

    expected  the public key (64 hexadecimal digits) that must have signed; None accepts the key in the file
    member    what is signed: `certificate`, or `checkpoint` for a line of those
    Raises BadCertificate if the file is not a certificate at all.
    """
    try:
        document = json.loads(file)
        payload, signature = document[member], document["signature"]
        algorithm, public_key, value = (signature[name] for name in _SIGNATURE)
        as_signed = canonical(document) + b"\n" == file and len(document) + len(signature) == 5
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadCertificate(f"not a {member}: no JSON object with {member} and signature") from None
    if not isinstance(payload, dict) or algorithm != ALGORITHM or not isinstance(public_key, str):
        raise BadCertificate(f"not a {member}: its members are not those of one")
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
