"""The JSON bodies of the routes for keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from guard.registry.keys.key import MAX_NAME_CHARS, Audience, Key, KeyDraft, KeyState, NewKey, Role
from guard.registry.keys.key_log import KeyAction
from guard.targets.validation import MAX_COUNTS, MAX_LABEL_CHARS
from serving.admin.requests import Moment, Tag

DEFAULT_OVERLAP_S = 3600
MAX_OVERLAP_S = 30 * 86_400
MAX_MODELS = 64
_Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_CHARS)]


class KeyIn(BaseModel):
    """A key to create: an admin key has a `role`, a client key may have the rest."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS, description="Who or what will use it.")]
    audience: Audience = Audience.ADMIN
    role: Role | None = None
    tags: Annotated[list[Tag], Field(max_length=MAX_COUNTS["tags"])] = Field(
        [], description="Its policy set: it is answered under targets with one of these tags, or none. Empty: all."
    )
    models: Annotated[list[_Label], Field(max_length=MAX_MODELS)] = Field(
        [], description="The models that it may ask. Empty: all."
    )
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    expires_at: Moment | None = None

    def draft(self) -> KeyDraft:
        """Return the draft of this key."""
        return KeyDraft(
            name=self.name,
            audience=self.audience,
            role=self.role,
            tags=tuple(dict.fromkeys(self.tags)),
            models=tuple(dict.fromkeys(self.models)),
            requests_per_minute=self.requests_per_minute,
            expires_at=self.expires_at,
        )


class RotateIn(BaseModel):
    """How to rotate a key."""

    model_config = ConfigDict(extra="forbid")

    overlap: int = Field(
        DEFAULT_OVERLAP_S, ge=0, le=MAX_OVERLAP_S, description="Seconds for which the secret before stays valid."
    )


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: str
    name: str
    audience: Audience
    role: Role | None
    tags: list[str]
    models: list[str]
    requests_per_minute: int | None
    state: KeyState
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="Exact to about a minute.")


class NewKeyOut(KeyOut):
    """A key just created or rotated."""

    secret: str = Field(description="What to send as bearer key. It is stored nowhere and never shown again.")


class KeyList(BaseModel):
    """All keys, also those that have ended, in the order they were created."""

    keys: list[KeyOut]


class KeyEventOut(BaseModel):
    """One link of the audit trail of keys; `digest` is sha256 over the previous digest and this event."""

    seq: int
    at: datetime
    action: KeyAction
    key_id: str = Field(description="Empty where the rule of approval was switched, which is of no key.")
    actor: str
    digest: str


class KeyEventPage(BaseModel):
    """A page of events of keys, oldest first; `next_cursor` is that of the next page, null at the end."""

    events: list[KeyEventOut]
    next_cursor: int | None
    first_broken: int | None = Field(
        description="First `seq` at which this page, or its link to the previous page, was altered; null if none."
    )


def key_of(key: Key) -> KeyOut:
    """Return the response body of a key."""
    return KeyOut(**_members(key))


def new_key_of(new: NewKey) -> NewKeyOut:
    """Return the response body of a key with its secret."""
    return NewKeyOut(**_members(new.key), secret=new.secret)


def _members(key: Key) -> dict[str, object]:
    draft = key.draft
    return {
        "id": key.id,
        "name": draft.name,
        "audience": draft.audience,
        "role": draft.role,
        "tags": list(draft.tags),
        "models": list(draft.models),
        "requests_per_minute": draft.requests_per_minute,
        "state": key.state(datetime.now(UTC)),
        "created_at": key.created_at,
        "expires_at": draft.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
    }
