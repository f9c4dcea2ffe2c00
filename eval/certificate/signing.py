"""The key that signs certificates, and the public keys that people name."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from eval.core.errors import BadRun
from guard import signing
from guard.signing import BadSigningKey


class SigningKey(signing.SigningKey):
    """An Ed25519 private key."""

    @classmethod
    def load(cls, path: Path) -> signing.SigningKey:
        """Return the key in a PEM file that only its owner may read. Raises BadRun."""
        try:
            return super().load(path)
        except BadSigningKey as error:
            raise BadRun(error.message) from None

    @classmethod
    def load_or_make(cls, path: Path) -> signing.SigningKey:
        """Return the key in this file; create the file with mode 0600 if there is none. Raises BadRun."""
        try:
            return super().load_or_make(path)
        except BadSigningKey as error:
            raise BadRun(error.message) from None


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
