from __future__ import annotations

import math
from typing import Any

import orjson
import pytest

from guard.errors import EngineUnavailable
from serving.elicitation.asking import Sampling
from serving.elicitation.forms import Form, Prompt, Style
from serving.elicitation.served_model import ServedModel
from serving.http.asgi import Receive, Scope, Send, read_body
from serving.protocol.refused_fields import CHAT, COMPLETIONS

pytestmark = pytest.mark.anyio

WHO = Form(Style.DIRECT, "en", "Who is {name}?").about("Ilse Quorne")
BORN = Form(Style.CONTINUATION, "en", "Who is {name}?", "{name} was born").about("Ilse Quorne")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Engine:
    """An engine's application that answers with as many choices as asked; `chats`: it has a chat template."""

    def __init__(self, *, chats: bool = True, status: int = 200) -> None:
        self.chats, self.status = chats, status
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/models":
            await self._respond(send, 200, {"data": [{"id": "served"}]})
            return
        body = orjson.loads(await read_body(receive, 1 << 20))
        self.asked.append((scope["path"], body))
        is_chat = scope["path"] == CHAT
        status = 400 if is_chat and not self.chats else self.status
        said = {"message": {"content": "She sings."}} if is_chat else {"text": "She sings."}
        await self._respond(send, status, {"choices": [{**said, "finish_reason": "stop"}] * body["n"]})

    async def _respond(self, send: Send, status: int, body: object) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps(body)})


async def said(engine: Engine, prompt: Prompt = WHO) -> list[str]:
    return [answer.text for answer in await ServedModel(lambda: engine).say(prompt, Sampling(2, 0.7))]


async def test_the_engine_is_asked_unrestricted_and_under_no_policy_of_a_target() -> None:
    engine = Engine()
    assert await said(engine) == ["She sings."] * 2
    ((route, body),) = engine.asked
    assert route == CHAT
    assert body["vllm_xargs"] == {"lethe_policy": "elicitation", "lethe_automata": "unrestricted"}
    assert body["messages"] == [{"role": "user", "content": "Who is Ilse Quorne?"}]
    assert (body["n"], body["temperature"]) == (2, 0.7)


async def test_an_answer_that_is_begun_is_gone_on_with() -> None:
    await said(engine := Engine(), BORN)
    ((_, body),) = engine.asked
    assert body["messages"][-1] == {"role": "assistant", "content": "Ilse Quorne was born"}
    assert body["continue_final_message"] is True
    assert body["add_generation_prompt"] is False


async def test_a_model_without_a_chat_template_completes_and_is_not_asked_for_a_chat_again() -> None:
    engine = Engine(chats=False)
    model = ServedModel(lambda: engine)
    for prompt in (WHO, BORN):
        assert [answer.text for answer in await model.say(prompt, Sampling(1, 0.0))] == ["She sings."]
    assert [route for route, _ in engine.asked] == [CHAT, COMPLETIONS, COMPLETIONS]
    assert [body.get("prompt") for _, body in engine.asked[1:]] == [
        "Question: Who is Ilse Quorne?\nAnswer:",
        "Ilse Quorne was born",
    ]


async def test_a_prompt_that_the_engine_refuses_both_ways_has_no_answers() -> None:
    assert await said(Engine(chats=False, status=400)) == []
    assert await said(Engine(status=404)) == []


async def test_a_failing_or_missing_engine_is_an_error() -> None:
    with pytest.raises(EngineUnavailable):
        await said(Engine(status=500))
    with pytest.raises(EngineUnavailable):
        await ServedModel(lambda: None).say(WHO, Sampling(1, 0.0))
    with pytest.raises(EngineUnavailable):
        ServedModel(lambda: None).require_engine()


async def test_an_answer_that_was_cut_is_known_to_be() -> None:
    class Cut(Engine):
        async def _respond(self, send: Send, status: int, body: object) -> None:
            await super()._respond(send, status, {"choices": [{"text": "She", "finish_reason": "length"}]})

    (answer,) = await ServedModel(lambda: Cut()).say(WHO, Sampling(1, 0.0))
    assert not answer.whole


async def test_the_model_is_named() -> None:
    assert await ServedModel(lambda: Engine()).name() == "served"


async def test_a_question_is_completed_and_ends_with_its_mark() -> None:
    begun = Form(Style.BEGUN, "en", "What has {name}").about("Ilse Quorne")
    engine = Engine()
    assert await ServedModel(lambda: engine).complete(begun, Sampling(1, 0.0)) == [
        "What has Ilse QuorneShe sings.?"
    ]
    ((route, body),) = engine.asked
    assert route == CHAT
    assert body["messages"] == [{"role": "user", "content": "What has Ilse Quorne"}]
    assert (body["continue_final_message"], body["max_tokens"]) == (True, 40)
    assert body["vllm_xargs"]["lethe_automata"] == "unrestricted"


async def test_a_model_without_a_chat_template_completes_a_question_too() -> None:
    begun = Form(Style.BEGUN, "en", "What has {name}").about("Ilse Quorne")
    engine = Engine(chats=False)
    assert len(await ServedModel(lambda: engine).complete(begun, Sampling(2, 1.0))) == 2
    assert engine.asked[-1][1]["prompt"] == "Question: What has Ilse Quorne"


@pytest.mark.parametrize(("end", "questions"), [("?", ["Who is Ilse Quorne?"]), ("\n", []), (None, [])])
async def test_a_begun_question_that_ends_at_once_is_one_by_its_mark_alone(
    end: str | None, questions: list[str]
) -> None:
    class Ends(Engine):
        async def _respond(self, send: Send, status: int, body: object) -> None:
            choice = {"message": {"content": ""}, "finish_reason": "stop", "stop_reason": end}
            await super()._respond(send, status, {"choices": [choice]})

    begun = Form(Style.BEGUN, "en", "Who is {name}").about("Ilse Quorne")
    assert await ServedModel(lambda: Ends()).complete(begun, Sampling(1, 0.0)) == questions


@pytest.mark.parametrize(
    ("chats", "logprobs", "asked"),
    [
        (True, {"content": [{"logprob": -0.1}, {"logprob": -0.3}]}, True),
        (False, {"token_logprobs": [-0.1, -0.3]}, 0),
    ],
)
async def test_the_likeliest_answer_has_a_certainty(chats: bool, logprobs: object, asked: object) -> None:
    class Certain(Engine):
        async def _respond(self, send: Send, status: int, body: object) -> None:
            said = {"message": {"content": "She sings."}} if chats else {"text": "She sings."}
            await super()._respond(send, status, {"choices": [said | {"logprobs": logprobs}]})

    engine = Certain(chats=chats)
    (answer,) = await ServedModel(lambda: engine).say(WHO, Sampling(1, 0.0))
    assert answer.certainty == pytest.approx(math.exp(-0.2))
    assert engine.asked[-1][1]["logprobs"] == asked
    (answer,) = await ServedModel(lambda: Engine()).say(WHO, Sampling(1, 0.7))
    assert answer.certainty == 0.0
