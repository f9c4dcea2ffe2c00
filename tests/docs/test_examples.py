"""What stands in blocks of the pages is what the code takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial

import httpx
import openai
import pytest

from guard.targets.validation import validate
from serving.admin.requests import TargetIn
from tests.test_docs import PAGES, blocks

TARGETS = [
    pytest.param(body, id=f"{page} {number}")
    for page in PAGES
    for number, (language, body) in enumerate(blocks(page))
    if language == "json" and "name" in json.loads(body)
]


def test_there_are_targets_in_pages() -> None:
    assert len(TARGETS) >= 3


@pytest.mark.parametrize("body", TARGETS)
def test_a_target_in_a_page_can_be_stored(body: str) -> None:
    validate(TargetIn.model_validate(json.loads(body)).draft(), datetime.now(UTC))


def test_the_client_of_the_readme_reaches_the_data_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A novel."}}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": "smollm2", "choices": [choice]}
        return httpx.Response(200, json=body)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(openai, "OpenAI", partial(openai.OpenAI, http_client=client))
    (code,) = (body for language, body in blocks("README.md") if language == "python")
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert str(asked[0].url) == "http://127.0.0.1:8000/v1/chat/completions"
    assert names["answer"]
