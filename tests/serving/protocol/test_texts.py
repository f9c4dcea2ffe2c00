from __future__ import annotations

from typing import Any

import pytest

from serving.protocol.media import holds_bytes
from serving.protocol.texts import ids_of_message, is_bytes, texts_of, texts_of_message

PICTURE = "data:image/png;base64," + "iVBORw0KGgo" * 40


def test_texts_come_in_document_order_and_from_any_depth() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [deep]
    assert list(texts_of({"a": ["x", {"b": "y", "role": "user"}], "c": deep})) == ["a", "x", "b", "y", "c", "end"]


def test_names_of_properties_are_read() -> None:
    schema = {"type": "object", "properties": {"Ada Quill": {"type": "string"}, "who": {"enum": ["Bo"]}}}
    assert sorted(texts_of({"parameters": schema})) == ["Ada Quill", "Bo", "who"]
    kind = {"type": "object", "properties": {"type": {"description": "Ada Quill"}}}
    assert list(texts_of({"parameters": kind})) == ["Ada Quill"]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Ada"},
        {"role": "Ada"},
        {"id": "Ada"},
        {"tool_call_id": "Ada"},
        {"Ada": 1},
        {"x": {"Ada": True}},
        {"default": {"Ada": 1}},
        {"dependentRequired": {"Ada": []}},
        {"type": ["Ada", "null"]},
        ["Ada"],
        [[{"enum": ["Ada"]}]],
    ],
    ids=str,
)
def test_no_place_of_a_value_is_left_unread(value: Any) -> None:
    assert "Ada" in list(texts_of(value))


def test_words_of_the_api_are_no_texts() -> None:
    assert list(texts_of({"type": "function", "function": {"name": "look", "strict": True}})) == ["look"]


def test_numbers_long_enough_to_mean_somebody_are_read() -> None:
    assert list(texts_of({"maxLength": 12, "const": 442079460958, "minimum": True})) == ["442079460958"]


def test_the_ids_of_a_message_are_read_apart() -> None:
    call = {"id": "c-Ada", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message = {"role": "assistant", "content": "Hm.", "tool_calls": [call], "tool_call_id": "c-Bo"}
    assert list(texts_of_message(message)) == ["Hm.", "look", "{}"]
    assert list(ids_of_message(message)) == ["c-Bo", "c-Ada"]


def test_an_id_that_is_no_string_is_read_where_it_stands() -> None:
    assert "Ada" in list(texts_of_message({"role": "tool", "tool_call_id": ["Ada"]}))
    assert "Ada" in list(texts_of_message({"role": "tool", "tool_calls": [{"id": {"Ada": 1}}]}))
    assert "Ada" in list(texts_of_message({"role": "tool", "tool_calls": "Ada"}))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": PICTURE, "detail": "Ada"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD" * 100, "format": "Ada"}},
        {"type": "file", "file": {"file_data": PICTURE, "filename": "Ada"}},
        {"image_url": PICTURE, "uuid": "Ada"},
    ],
    ids=lambda part: part.get("type", "no type"),
)
def test_the_bytes_of_media_are_no_words_and_what_stands_beside_them_is(part: dict[str, Any]) -> None:
    assert holds_bytes(part)
    texts = list(texts_of_message({"role": "user", "content": [{"type": "text", "text": "Look"}, part]}))
    assert "Look" in texts
    assert "Ada" in texts
    assert not any(len(text) > 100 for text in texts)


@pytest.mark.parametrize("url", [PICTURE, "QUJD" * 100])
def test_bytes_that_stand_where_the_model_reads_text_are_read(url: str) -> None:
    assert url in list(texts_of_message({"role": "user", "content": [{"type": "text", "text": url}]}))
    assert url in list(texts_of_message({"role": "user", "content": url}))
    assert url in list(texts_of({"properties": {"url": url}}))


def test_bytes_broken_into_lines_or_written_for_urls_are_bytes_and_words_are_none() -> None:
    lines = "\r\n".join(["QUJD" * 19] * 9)
    for text in (lines, "ab-_" * 80 + "==", "data:image/png;charset=x;base64,AAAA", "data:;base64,", lines + "\n"):
        assert is_bytes(text)
    for text in ("Ada Quill " * 40, "data:image/png;base64,Ada Quill", "AdaQuill", "https://a.example/Ada"):
        assert not is_bytes(text)


def test_what_the_engine_shows_as_text_is_read_whatever_stands_beside_it() -> None:
    long = "WhereWasAdaQuillBorn" * 20
    for part in (
        {"type": "text", "text": long, "image_url": "x"},
        {"type": "text", "text": long, "zeal": 1},
        {"type": "text", "text": "x", "zeal": long},
        {"text": long},
    ):
        assert long in list(texts_of_message({"role": "user", "content": [part]}))
