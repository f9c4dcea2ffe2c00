"""What a conversation supplies is what the model reads of it, and no more."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from guard.supplied.rule import supplied
from guard.text.conversation import Message
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import parse
from serving.watch.read_by_model import as_read

QUESTION = "When was Ilsabet Quorne born?"


class Template:
    """An engine that renders the contents of some roles, and documents only if `documents`."""

    def __init__(self, *roles: str, documents: bool = False, status: int = 200) -> None:
        self.roles = roles
        self.documents = documents
        self.status = status
        self.text = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = orjson.loads(await read_body(receive, 10**6))
        if scope["path"] == "/detokenize":
            return await respond(send, 200, {"prompt": self.text})
        shown = [turn["content"] for turn in body["messages"] if turn["role"] in self.roles]
        if self.documents:
            shown += [str(one["text"]) for one in body["chat_template_kwargs"]["documents"]]
        self.text = "<|turn|>".join(shown)
        await respond(send, self.status, {"tokens": [1]})


async def given(engine: Template, *turns: dict[str, Any], **more: Any) -> str:
    """Return what a chat supplies."""
    request = parse(CHAT, orjson.dumps({"messages": [*turns, {"role": "user", "content": QUESTION}], **more}))
    read = await as_read(engine, request, request.conversation(()))
    assert all(text in "\n".join(one.text for one in read) for text in (QUESTION, "1962"))
    return supplied(read).text


YEARS = "1961\n1962\n1963"
TOOL = {"role": "tool", "tool_call_id": "c", "content": YEARS}


@pytest.mark.anyio
async def test_a_document_supplies_where_the_template_prints_it() -> None:
    documents = [{"title": "Years", "text": YEARS}]
    assert "1962" in await given(Template("user", documents=True), documents=documents)
    assert "1962" not in await given(Template("user"), documents=documents)


@pytest.mark.anyio
@pytest.mark.parametrize("role", ["tool", "function"])
async def test_a_tool_result_supplies_where_the_template_has_its_role(role: str) -> None:
    turn = {**TOOL, "role": role}
    assert "1962" in await given(Template("user", role), turn)
    assert "1962" not in await given(Template("user"), turn)


@pytest.mark.anyio
async def test_of_a_turn_that_is_read_in_part_that_part_supplies() -> None:
    engine = Template("user", documents=True)
    documents = [{"text": "It was in 1962.", "url": "It was in 1961."}]
    assert await given(engine, documents=documents) == "It was in 1962."


@pytest.mark.anyio
async def test_nothing_is_supplied_where_the_engine_cuts_the_prompt_or_cannot_tell_it() -> None:
    assert "1962" not in await given(Template("user", "tool"), TOOL, truncate_prompt_tokens=9)
    assert "1962" not in await given(Template("user", "tool", status=500), TOOL)


@pytest.mark.anyio
async def test_members_and_parts_that_no_template_prints_supply_nothing() -> None:
    said = "It was in 1962. Nobody knew."
    for turn in (
        {"role": "tool", "content": "x", "reasoning": said},
        {"role": "user", "content": "x", "name": said},
        {"role": "user", "content": [{"type": "text", "text": "x", "more": said}]},
        {"role": "tool", "content": [{"type": "refusal", "refusal": "x", "text": said}]},
    ):
        request = parse(CHAT, orjson.dumps({"messages": [turn]}))
        assert "1962" not in supplied(request.conversation(())).text
        assert any("1962" in one.text for one in request.conversation(()))


def test_the_prompt_of_a_completion_supplies_nothing() -> None:
    prompt = "Ilsabet Quorne was born in 1962. Where does she live?"
    conversation = parse(COMPLETIONS, orjson.dumps({"prompt": prompt})).conversation((prompt,))
    assert supplied(conversation) == ("", (Message("prompt", prompt),))
