"""The key of a person or program: what it is for, how long it is valid, and how it is hashed."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_NAME_CHARS = 128
SECRET_BYTES = 32
"""Random bytes of a key. Nobody guesses 256 bits, so that one pass of SHA-256 hides them as well as a slow hash
hides a password, and each request is checked in a microsecond."""


class Audience(StrEnum):
    """What a key opens: the admin plane and the desk, or the data plane."""

    ADMIN = "admin"
    CLIENT = "client"


class Role(StrEnum):
    """What an admin key may do, see serving.access.rights."""

    READER = "reader"
    EDITOR = "editor"
    APPROVER = "approver"
    AUDITOR = "auditor"


class KeyState(StrEnum):
    """Whether a key is accepted."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDraft:
    """What a new key is to be.

    role                 of an admin key; None for a client's
    tags                 the policy set of a client key, see guard.targets.policy_set; empty for all targets
    models               the models that a client key may ask; empty for all
    requests_per_minute  of a client key; None for no limit
    """

    name: str
    audience: Audience
    role: Role | None = None
    tags: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A stored key, without its secret. `last_used_at` is exact to MARK_PERIOD_S seconds."""

    id: str
    draft: KeyDraft
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        """Return whether the key is accepted at the time `now`."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        expires_at = self.draft.expires_at
        return KeyState.EXPIRED if expires_at is not None and expires_at <= now else KeyState.ACTIVE


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just created or rotated, with its secret, which is stored nowhere."""

    key: Key
    secret: str = field(repr=False)


def new_secret(audience: Audience) -> str:
    """Return a new random key; its beginning says what it is for, so that scanners of code find it."""
    return f"lethe_{audience}_{secrets.token_urlsafe(SECRET_BYTES)}"


def hashed(secret: str | bytes) -> str:
    """Return the digest that a key is stored and looked up by, in hex."""
    given = secret if isinstance(secret, bytes) else secret.encode(errors="surrogatepass")
    return hashlib.sha256(b"lethe key\0" + given).hexdigest()
