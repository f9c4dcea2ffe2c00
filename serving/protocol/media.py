"""Pictures, sounds, videos and files in content parts: what the detector cannot read of a conversation.

Text in a file is read. Nothing else of media is: bytes are no words, whatever member they stand in.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from guard.errors import RequestRefused

Kind = Literal["image", "audio", "video", "file", "content"]
Part = Mapping[str, Any]
# By member, in which the engine finds media whatever the part's type says (vLLM 0.32): what kind they are.
_KINDS: dict[str, Kind] = {
    "image_url": "image",
    "image_pil": "image",
    "image_embeds": "image",
    "input_image": "image",
    "input_audio": "audio",
    "audio_url": "audio",
    "audio_embeds": "audio",
    "video_url": "video",
    "video_embeds": "video",
    "file": "file",
}
# Types of a part of which the engine hands on text alone.
_TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal", "thinking", "tool_reference"})
_DATA_URL = re.compile(r"data:(?P<type>[^;,]*)(?P<base64>(?:;[^;,]*)*),", re.IGNORECASE)
# Control characters that no text has.
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_EMBEDS = "prompt_embeds"
_PDF = "%PDF-"
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class UnreadMedia(RequestRefused):
    """Media that nobody could examine, while a forget target is enforced by what a conversation says."""

    code = "unread_media"


def media_kind(part: object) -> Kind | None:
    """Return what kind of media the engine would find in a content part; None for a part of text."""
    if not isinstance(part, Mapping):
        return None
    named = next((kind for member, kind in _KINDS.items() if member in part), None)
    given = part.get("type", "text")
    kind = given if isinstance(given, str) else ""
    named = named or _KINDS.get(kind)
    return named if named is not None or kind in _TEXT_PARTS else "content"


def media_of(messages: Sequence[Mapping[str, Any]], *, of_tools: bool) -> Iterator[Kind]:
    """Yield the kind of each medium in `messages`: of tool results alone, or of all other turns."""
    for message in messages:
        parts = message.get("content")
        if isinstance(parts, list) and (message.get("role") == "tool") is of_tools:
            yield from filter(None, map(media_kind, parts))


def holds_bytes(part: object) -> bool:
    """Return whether the engine reads no string of a content part as text."""
    kind = part.get("type") if isinstance(part, Mapping) else "text"
    return media_kind(part) is not None and not (isinstance(kind, str) and kind in _TEXT_PARTS)


def without_unread(messages: Sequence[dict[str, Any]], *, pictures_of_tools: bool) -> list[dict[str, Any]]:
    """Return `messages` with a placeholder for what the engine has no part for.

    Those are files, and the media of tool results, but for their pictures if `pictures_of_tools`.
    """

    def settle(part: Any, role: object) -> Any:
        kind = media_kind(part)
        if role == "tool":
            return part if kind is None or (kind == "image" and pictures_of_tools) else placeholder(part)
        return placeholder(part) if kind == "file" else part

    return [
        {**message, "content": [settle(part, message.get("role")) for part in message["content"]]}
        if isinstance(message.get("content"), list)
        else message
        for message in messages
    ]


def placeholder(part: Part) -> dict[str, Any]:
    """Return the text part that stands for media that are not handed on."""
    file = part.get("file")
    name = file.get("filename") if isinstance(file, Mapping) else None
    said = f" {name}" if isinstance(name, str) else ""
    return {"type": "text", "text": f"[{media_kind(part) or 'content'}{said} omitted]"}


def read_part(part: Any) -> Any:
    """Return the text part for a chat `file` part that holds text; any other part as it is.

    Raises RequestRefused for prompt embeddings, which are a text that nobody can read.
    """
    if isinstance(part, Mapping) and (part.get("type") == _EMBEDS or _EMBEDS in part):
        raise RequestRefused(
            f"The part '{_EMBEDS}' is not served: it cannot be read by the detector.", field="messages"
        )
    file = part.get("file") if isinstance(part, Mapping) and part.get("type") == "file" else None
    if not isinstance(file, Mapping) or not isinstance(file.get("file_data"), str):
        return part
    text = file_text(file["file_data"])
    if text is None:
        return part
    name = file.get("filename")
    return {"type": "text", "text": f"{name}\n{text}" if isinstance(name, str) else text}


def file_text(data: str) -> str | None:
    """Return the text of a file, given as base64 or as a data URL; None if its bytes are no text."""
    head = _DATA_URL.match(data)
    payload = data[head.end() :] if head else data
    try:
        if head and not head["base64"].lower().endswith(";base64"):
            raw = unquote_to_bytes(payload)
        else:
            plain = "".join(payload.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
            raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        mark = next((mark for mark in _MARKS if raw.startswith(mark)), None)
        text = raw.decode(_MARKS[mark] if mark else "utf-8")
    except ValueError:
        return None
    return None if text.startswith(_PDF) or _BINARY.search(text) else text
