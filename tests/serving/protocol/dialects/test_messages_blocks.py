from __future__ import annotations

import base64
from typing import Any

import pytest

from serving.protocol.dialects.dialect import Unmappable
from serving.protocol.dialects.messages_blocks import assistant, turn

PNG = "iVBORw0KGgo="
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def result(content: Any, **more: Any) -> list[dict[str, Any]]:
    return turn("user", [{"type": "tool_result", "tool_use_id": "c1", "content": content, **more}])


def document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "title": "Log", "context": "Of a ship.", "source": source}


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "text", "text": "Ada"}, "Ada"),
        (document(type="text", media_type="text/plain", data="Ada"), "Log\nOf a ship.\nAda"),
        (document(type="base64", media_type="text/plain", data=encoded("Ada")), "Log\nOf a ship.\nAda"),
        (document(type="content", content="Ada"), "Log\nOf a ship.\nAda"),
        (document(type="content", content=[{"type": "text", "text": "Ada"}]), "Log\nOf a ship.\nAda"),
        (
            {
                "type": "search_result",
                "title": "Ships",
                "source": "https://a.example",
                "content": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "Bo"}],
                "citations": {"enabled": True},
            },
            "Ships\nhttps://a.example\nAda\nBo",
        ),
    ],
    ids=lambda given: given["type"] if isinstance(given, dict) else "",
)
def test_text_is_kept_in_a_turn_and_in_a_tool_result(block: dict[str, Any], text: str) -> None:
    assert turn("user", [block]) == [{"role": "user", "content": text}]
    assert result([block]) == [{"role": "tool", "tool_call_id": "c1", "content": text}]


def test_pictures_and_files_stay_beside_the_text_of_a_tool_result() -> None:
    pdf = document(type="base64", media_type="application/pdf", data=encoded("%PDF-1.7"))
    (message,) = result([{"type": "text", "text": "ok"}, IMAGE, pdf])
    file = {"type": "file", "file": {"file_data": encoded("%PDF-1.7")}}
    text = [{"type": "text", "text": text} for text in ("ok", "Log", "Of a ship.")]
    assert message["content"] == [text[0], PICTURE, *text[1:], file]


@pytest.mark.parametrize("content", [None, [], ""])
def test_an_empty_result_is_empty_text(content: Any) -> None:
    assert result(content, is_error=True) == [{"role": "tool", "tool_call_id": "c1", "content": ""}]


def test_references_to_tools_are_a_result_of_their_own() -> None:
    references = [{"type": "tool_reference", "tool_name": name} for name in ("look", "find")]
    text, names = result([{"type": "text", "text": "two"}, *references])
    assert text["content"] == "two"
    assert names["content"] == [{"type": "tool_reference", "name": name} for name in ("look", "find")]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "zeal"},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "search_result", "content": [{"type": "zeal"}]},
        {"type": "audio", "data": "QUJD" * 100},
    ],
    ids=str,
)
def test_what_nobody_knows_ends_no_session_in_a_result_and_is_refused_elsewhere(block: dict[str, Any]) -> None:
    (message,) = result([{"type": "text", "text": "ok"}, block])
    assert message["content"] == "ok\n[content omitted]"
    with pytest.raises(Unmappable):
        turn("user", [block])


def test_what_tools_of_another_server_did_is_text_without_ciphertexts() -> None:
    found = {"type": "web_search_result", "title": "Ada", "url": "https://a.example", "encrypted_content": "Eqg"}
    blocks = [
        {"type": "text", "text": "Let me see."},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "ships"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [found]},
        {"type": "text", "text": "She sails."},
    ]
    said = assistant(blocks)["content"]
    assert said == 'Let me see.\n[web_search {"query":"ships"}]\n\nAda\nhttps://a.example\nShe sails.'
    fetched = document(type="base64", media_type="application/pdf", data=encoded("%PDF"))
    block = {"type": "web_fetch_tool_result", "content": {"type": "web_fetch_result", "content": fetched}}
    assert assistant([block])["content"].strip() == "Log\nOf a ship."
