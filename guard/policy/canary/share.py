"""Which conversations fall in the canary share of a target.

A conversation is known by the words of its first user message and by the key of its caller, which stay the same
over its turns, and from retry to retry. They are hashed under a key that the servers of a registry share: all of
them decide alike, and nobody else can tell how.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from guard.text.conversation import BESIDE, Message

HASH_BYTES = 8
_USER = "user"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What tells a conversation from others: who asks, "" for nobody known, and what they asked first."""

    caller: str = ""
    asked: str = field(default="", repr=False)


def conversation_of(messages: Iterable[Message], caller: str = "") -> Conversation:
    """Return what tells a conversation: its first user message, or its first turn if there is none."""
    turns = [each for each in messages if each.role not in BESIDE]
    first = next((each for each in turns if each.role == _USER), turns[0] if turns else None)
    return Conversation(caller, (first.written or first.text) if first else "")


def is_in_share(key: bytes, target_id: str, conversation: Conversation, share: float) -> bool:
    """Return whether a conversation falls in the share of a target. What does, falls in every larger one too."""
    hashed = hashlib.blake2b(key=key, digest_size=HASH_BYTES)
    for part in (target_id, conversation.caller, conversation.asked):
        text = part.encode("utf-8", "surrogatepass")
        hashed.update(len(text).to_bytes(8) + text)
    return int.from_bytes(hashed.digest()) < share * (1 << 8 * HASH_BYTES)
