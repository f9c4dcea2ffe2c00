"""Answers about keys; the secret of one is in the answer that created or rotated it alone."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from serving.client.targets import Answer
from serving.client.values import Audience, KeyAction, KeyRole, KeyState


class Key(Answer):
    """A key, without its secret; `last_used_at` is exact to about a minute."""

    id: str
    name: str
    audience: Audience
    role: KeyRole | None
    tags: tuple[str, ...]
    models: tuple[str, ...]
    requests_per_minute: int | None
    state: KeyState
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewKey(Key):
    """A key just created or rotated, with what to send as bearer key. A repr does not show it."""

    secret: str = Field(repr=False)


class Keys(Answer):
    """All keys, also those that have ended, in the order they were created."""

    keys: tuple[Key, ...]


class KeyEvent(Answer):
    """One link of the audit trail of keys; `key_id` is empty where the rule of approval was switched."""

    seq: int
    at: datetime
    action: KeyAction
    key_id: str
    actor: str
    digest: str


class KeyEventPage(Answer):
    """A page of events of keys, oldest first; `first_broken`: where it was altered, None if it is whole."""

    events: tuple[KeyEvent, ...]
    next_cursor: int | None
    first_broken: int | None
