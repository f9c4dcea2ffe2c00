"""What is added to scope `always` reaches answers that are already on their way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from guard.text.normalise import fold
from tests.e2e.server import Server

pytestmark = pytest.mark.e2e
# Long enough that the words said late are still to come when the target is in force, on a busy machine too.
LONG = 700
WORDS = 4


def asked(server: Server, **more: Any) -> Any:
    messages = [{"role": "user", "content": "Tell me about the sea."}]
    arguments = {"model": server.model, "messages": messages, "temperature": 0.0, "max_tokens": LONG}
    extra = {"ignore_eos": True, "min_tokens": LONG}
    return server.openai.chat.completions.create(**arguments, extra_body=extra, **more)


@pytest.fixture
def late(server: Server) -> str:
    """Words that the model says first near the end of a long answer."""
    text = asked(server).choices[0].message.content
    words = text.split()
    for first in range(2 * len(words) // 3, len(words) - WORDS):
        phrase = " ".join(words[first : first + WORDS])
        if fold(text).find(fold(phrase)) > len(fold(text)) // 2:
            return phrase
    pytest.fail("the model says nothing new in the second half of its answer")


@pytest.fixture
def target(server: Server, late: str) -> Iterator[dict[str, Any]]:
    added: list[str] = []
    yield {"name": "a code said late", "kind": "topic", "scope": "always", "phrases": [late], "ids": added}
    for target_id in added:
        server.remember(target_id)


def test_a_literal_is_forbidden_in_a_stream_that_began_before_it(
    server: Server, late: str, target: dict[str, Any]
) -> None:
    ids = target.pop("ids")
    said, finish = "", None
    for chunk in asked(server, stream=True):
        for choice in chunk.choices:
            said += choice.delta.content or ""
            finish = choice.finish_reason or finish
        if said and not ids:
            assert fold(late) not in fold(said)
            ids.append(server.forget(target)["id"])
    assert finish == "length"
    assert fold(late) not in fold(said)
    assert fold(late) not in fold(asked(server).choices[0].message.content)
