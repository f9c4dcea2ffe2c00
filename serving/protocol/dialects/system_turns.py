"""System turns in the middle of a Messages conversation, for models whose chat template wants them first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Messages = Sequence[dict[str, Any]]


def has_inline_system(messages: Messages) -> bool:
    """Return whether a system turn stands after another turn."""
    return any(message["role"] == "system" for message in messages[1:])


def merge_inline_system(messages: Messages) -> list[dict[str, Any]]:
    """Return `messages` with the text of all system turns, in order, as the first (as vLLM 0.32 merges them)."""
    system = "\n".join(message["content"] for message in messages if message["role"] == "system")
    return [{"role": "system", "content": system}, *(m for m in messages if m["role"] != "system")]
