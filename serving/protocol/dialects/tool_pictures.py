"""Where the pictures of tool results stand: chat templates take them from users, not from tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from serving.protocol.dialects.dialect import joined
from serving.protocol.media import media_kind


def pictures_after_results(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `messages` with the media of consecutive tool results in a user turn after them.

    Content that is text alone becomes one text.
    """
    moved: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] != "tool" and waiting:
            moved.append({"role": "user", "content": waiting})
            waiting = []
        content = message.get("content")
        if isinstance(content, list) and message["role"] == "tool":
            waiting += [part for part in content if media_kind(part)]
            content = [part for part in content if not media_kind(part)]
        moved.append({**message, "content": joined(content)} if isinstance(content, list) else message)
    return [*moved, {"role": "user", "content": waiting}] if waiting else moved
