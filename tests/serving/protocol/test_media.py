from __future__ import annotations

import base64
from typing import Any

import pytest

from guard.errors import RequestRefused
from serving.protocol.media import (
    file_text,
    holds_bytes,
    media_kind,
    media_of,
    placeholder,
    read_part,
    without_unread,
)

PNG = "data:image/png;base64,iVBORw0KGgo="
PICTURE = {"type": "image_url", "image_url": {"url": PNG}}


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (PICTURE, "image"),
        ({"image_url": PNG}, "image"),
        ({"type": "input_image", "image_url": PNG}, "image"),
        ({"type": "image_embeds", "image_embeds": "QUJD"}, "image"),
        ({"type": "text", "text": "x", "image_url": PNG, "uuid": "u"}, "image"),
        ({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}}, "audio"),
        ({"type": "audio_url", "audio_url": {"url": "https://a.example/x.wav"}}, "audio"),
        ({"type": "video_url", "video_url": {"url": "https://a.example/x.mp4"}}, "video"),
        ({"type": "file", "file": {"file_data": "x"}}, "file"),
        ({"type": "new"}, "content"),
        ({"type": ["text"]}, "content"),
        ({"type": "text", "text": "x"}, None),
        ({"type": "text", "text": "x", "zeal": 1}, None),
        ({"type": "refusal", "refusal": "x"}, None),
        ({"type": "tool_reference", "name": "look"}, None),
        ({"text": "x"}, None),
        ("x", None),
    ],
    ids=str,
)
def test_media_are_told_from_text_as_the_engine_tells_them(part: Any, kind: str | None) -> None:
    assert media_kind(part) == kind


def test_a_part_that_the_engine_may_show_as_text_holds_no_bytes() -> None:
    assert holds_bytes(PICTURE)
    assert holds_bytes({"image_url": PNG})
    assert not holds_bytes({"type": "text", "text": "x", "image_url": PNG})
    assert not holds_bytes({"type": "text", "text": "x"})


@pytest.mark.parametrize(
    "data",
    [
        encoded(b"Ada Quill sails."),
        "data:text/plain;base64," + encoded(b"Ada Quill sails."),
        "data:text/plain;charset=utf-8;base64," + encoded(b"Ada Quill sails."),
        "data:text/plain,Ada%20Quill%20sails.",
        "data:application/octet-stream;base64," + encoded(b"Ada Quill sails."),
        encoded(b"\xef\xbb\xbfAda Quill sails."),
        encoded("Ada Quill sails.".encode("utf-16")),
        encoded(b"Ada Quill sails.").rstrip("="),
        "\n".join(encoded(b"Ada Quill sails.")),
    ],
)
def test_the_text_of_a_file_is_read_however_it_is_written(data: str) -> None:
    assert file_text(data) == "Ada Quill sails."


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        encoded(b"%PDF-1.7\nplain"),
        encoded(b"PK\x03\x04"),
        encoded(b"\x00\x01"),
        encoded(b"\xff\xd8\xff"),
        "https://a.example/notes.txt",
        "Ada Quill",
        "é",
    ],
)
def test_what_is_no_text_has_none(data: str) -> None:
    assert file_text(data) is None


def test_a_file_of_text_becomes_text_under_its_name() -> None:
    file = {"file_data": encoded(b"Ada Quill sails."), "filename": "notes.txt"}
    assert read_part({"type": "file", "file": file}) == {"type": "text", "text": "notes.txt\nAda Quill sails."}
    picture = {"type": "file", "file": {"file_data": PNG}}
    for part in (picture, PICTURE, "x", {"type": "file"}, {"type": "file", "file": {"file_id": "f"}}):
        assert read_part(part) is part


def test_prompt_embeddings_are_refused_as_nobody_can_read_them() -> None:
    for part in ({"type": "prompt_embeds", "data": "QUJD"}, {"prompt_embeds": 1, "data": "QUJD", "uuid": "u"}):
        with pytest.raises(RequestRefused):
            read_part(part)


def test_media_of_tool_results_are_told_from_those_of_other_turns() -> None:
    messages = [
        {"role": "user", "content": [PICTURE]},
        {"role": "tool", "content": [{"type": "file", "file": {}}]},
    ]
    assert list(media_of(messages, of_tools=False)) == ["image"]
    assert list(media_of(messages, of_tools=True)) == ["file"]
    assert list(media_of([{"role": "user", "content": "x"}, {"role": "user"}], of_tools=False)) == []


def test_a_placeholder_says_what_it_stands_for() -> None:
    assert placeholder(PICTURE)["text"] == "[image omitted]"
    assert placeholder({"type": "file", "file": {"filename": "a.pdf"}})["text"] == "[file a.pdf omitted]"


def test_what_the_engine_has_no_part_for_is_left_out() -> None:
    sound = {"type": "input_audio", "input_audio": {}}
    file = {"type": "file", "file": {}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [PICTURE, file]},
        {"role": "tool", "content": [PICTURE, sound]},
    ]
    said, result = without_unread(messages, pictures_of_tools=True)
    assert said["content"] == [PICTURE, placeholder(file)]
    assert result["content"] == [PICTURE, placeholder(sound)]
    assert without_unread(messages, pictures_of_tools=False)[1]["content"][0] == placeholder(PICTURE)
