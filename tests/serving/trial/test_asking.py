from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from guard.decoding.request_args import EngineArgs
from guard.errors import EngineUnavailable
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.trial.asking import guarded_answers, stock_answers

pytestmark = pytest.mark.anyio


class DataPlane:
    """Stands in for the data plane: keeps what it is asked, and gives one answer."""

    def __init__(self, status: int, answer: Any) -> None:
        self.status = status
        self.answer = answer
        self.body: Any = None
        self.headers: dict[bytes, bytes] = {}
        self.path = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path, self.headers = scope["path"], dict(scope["headers"])
        self.body = json.loads(await read_body(receive, 10_000))
        await respond(send, self.status, self.answer)


def answered(content: str | None) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content}}]}


BODY = {"messages": [{"role": "user", "content": "Who is she?"}], "max_tokens": 7, "temperature": 0}


@pytest.mark.parametrize("key", [None, SecretStr("client-key")])
async def test_a_prompt_is_asked_as_a_client_would(key: SecretStr | None) -> None:
    data = DataPlane(200, answered("Of orchards."))
    assert await guarded_answers(data, key)("Who is she?", 7) == "Of orchards."
    assert data.path == "/v1/chat/completions"
    assert data.body == BODY
    assert data.headers.get(b"authorization") == (b"Bearer client-key" if key else None)


async def test_an_answer_without_text_is_empty() -> None:
    assert await guarded_answers(DataPlane(200, answered(None)), None)("Who is she?", 7) == ""


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": {"code": "engine_unavailable"}}, "engine_unavailable"),
        ({"error": {"type": "x"}}, "x"),
        ([], "no reason"),
    ],
)
async def test_a_refusal_is_told_by_its_code(answer: Any, code: str) -> None:
    with pytest.raises(EngineUnavailable, match=f"503: {code}"):
        await guarded_answers(DataPlane(503, answer), None)("Who is she?", 7)


async def test_the_stock_answer_is_the_engine_s_with_nothing_restricted() -> None:
    engine = DataPlane(200, answered("She wrote The Glass Orchard."))
    assert await stock_answers(lambda: engine)("Who is she?", 7) == "She wrote The Glass Orchard."
    args = engine.body.pop("vllm_xargs")
    assert EngineArgs.load(args) == EngineArgs("trial", unrestricted=True)
    assert engine.body == BODY


async def test_without_an_engine_there_is_no_stock_answer() -> None:
    with pytest.raises(EngineUnavailable, match="not ready"):
        await stock_answers(lambda: None)("Who is she?", 7)
