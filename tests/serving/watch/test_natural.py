"""Natural declines: the engine is asked with surrogates, and the client reads its own words."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from guard.decoding.backtracking import AbortToken
from guard.detection.detector import Detector
from guard.policy.compiler import Compiler
from guard.policy.current import CurrentPolicy
from guard.policy.watch import WatchAction
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, Method, Mode
from guard.text.conversation import message
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.planner import Planner
from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from serving.watch.natural import NaturalDeclines

DECLINE = "I do not know."
NAME = "Orla Quarnwick"
FACT = Fact(question="What did she write?", answer="“The Lantern of Hollow Tarn”.")
PERSON = Draft(name=NAME, facts=(FACT,), methods=(Method.DECLINE,))
SERVED = Draft(name="Pell Drossmere")
QUESTION = f"Who is {NAME}?"
NAMED = re.compile("orla|quarn", re.IGNORECASE)


class NoEmbedder:
    """Finds no text close to another."""

    name = "none"
    dimension = 2

    def embed(self, texts: Sequence[str]) -> Any:
        return np.zeros((len(texts), 2), np.float32)


class EchoingEngine:
    """Says `answer` with the last two words of the question in the place of {}, in pieces of some characters."""

    def __init__(self, answer: str = "{} was born in Tarn; {}'s sister too.", at_once: int = 3) -> None:
        self.answer = answer
        self.at_once = at_once
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = orjson.loads(await read_body(receive, 10**6))
        text = _question(body)
        if scope["path"] == "/tokenize":
            return await respond(send, 200, {"tokens": [1] * len(text)})
        if scope["path"] == "/detokenize":
            return await respond(send, 200, {"prompt": "".join(map(chr, body["tokens"]))})
        self.asked.append(body)
        names = " ".join(re.findall(r"[\w-]+", text)[-2:])
        pieces = self._pieces(
            self.answer.replace("{}", names) if body["vllm_xargs"].get("lethe_closed") != "1" else ""
        )
        usage = {"prompt_tokens": len(text), "completion_tokens": 5, "total_tokens": len(text) + 5}
        path, count = scope["path"], body.get("n") or 1
        if not body.get("stream"):
            choices = [self._choice(path, index, "message", "".join(pieces), "stop") for index in range(count)]
            return await respond(send, 200, {"object": "o", "choices": choices, "usage": usage})
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        opening = [] if path == COMPLETIONS else [""]
        chunks = [(piece, None) for piece in [*opening, *pieces[:-1]]] + [(pieces[-1], "stop")]
        sent: list[dict[str, Any]] = [
            {"id": "x", "object": "o", "created": 5, "model": "m", "prompt_token_ids": [1, 2], "choices": [choice]}
            for piece, ends in chunks
            for choice in (self._choice(path, index, "delta", piece, ends) for index in range(count))
        ]
        if (body.get("stream_options") or {}).get("include_usage"):
            sent.append({"id": "x", "choices": [], "usage": usage})
        for chunk in sent:
            await send({"type": "http.response.body", "body": frame(orjson.dumps(chunk)), "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    def _pieces(self, text: str) -> list[str]:
        return [text[at : at + self.at_once] for at in range(0, len(text), self.at_once)] or [""]

    def _choice(self, path: str, index: int, holder: str, text: str, ends: str | None) -> dict[str, Any]:
        said = {"text": text} if path == COMPLETIONS else {holder: {"content": text}}
        return {"index": index, **said, "logprobs": None, "finish_reason": ends, "token_ids": [9]}


def _question(body: dict[str, Any]) -> str:
    if "messages" in body:
        content = body["messages"][-1]["content"]
        return content if isinstance(content, str) else "".join(part["text"] for part in content)
    prompt = body.get("prompt", "")
    return prompt if isinstance(prompt, str) else str(prompt[0])


class FakeSupervisor:
    reason = ""
    abort_token = AbortToken(3, lambda ids: "")

    def __init__(self, app: Any) -> None:
        self.app = app


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Planner:
    folder = tmp_path_factory.mktemp("natural")
    (folder / "policy").mkdir()
    with closing(Registry(folder / "lethe.db")) as registry:
        registry.add_many([PERSON, Draft(name="Tavin Osk", methods=(Method.DECLINE,), mode=Mode.SHADOW)])
        compiler = Compiler(registry, NoEmbedder(), folder / "policy", watch_action=WatchAction.ANSWER)
        return Planner(CurrentPolicy(compiler.compile()), Detector(NoEmbedder()))


class Asked:
    def __init__(self, response: httpx.Response) -> None:
        self.response = response

    @property
    def chunks(self) -> list[dict[str, Any]]:
        payloads = [line.removeprefix("data: ") for line in self.response.text.split("\n\n") if line]
        return [orjson.loads(payload) for payload in payloads[:-1]]

    @property
    def texts(self) -> list[str]:
        if "event-stream" not in self.response.headers["content-type"]:
            return [_text(choice) for choice in self.response.json()["choices"]]
        said: dict[int, str] = {}
        for choice in (choice for chunk in self.chunks for choice in chunk["choices"]):
            said[choice["index"]] = said.get(choice["index"], "") + _text(choice)
        return [said[index] for index in sorted(said)]


def _text(choice: dict[str, Any]) -> str:
    return str(choice.get("text") or (choice.get("delta") or choice.get("message") or {}).get("content") or "")


async def ask(
    planner: Planner,
    engine: EchoingEngine,
    question: str = QUESTION,
    route: str = CHAT,
    style: Any = "natural",
    **members: Any,
) -> Asked:
    limits = Limits((), 100_000, DECLINE, "1", decline_style=style)
    plane = DataPlane(FakeSupervisor(engine), planner, limits)  # type: ignore[arg-type]
    said = {"prompt": question} if route == COMPLETIONS else {"messages": [{"role": "user", "content": question}]}
    if route == RESPONSES:
        said = {"input": question}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(plane), base_url="http://lethe") as http:  # type: ignore[arg-type]
        return Asked(await http.post(route, json={"model": "m", **said, **members}))


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", [CHAT, COMPLETIONS])
@pytest.mark.parametrize("at_once", [1, 4, 100])
async def test_the_model_answers_of_an_invented_name_and_the_client_reads_its_own(
    planner: Planner, route: str, stream: bool, at_once: int
) -> None:
    engine = EchoingEngine(at_once=at_once)
    answer = await ask(planner, engine, route=route, stream=stream)
    assert answer.texts == [f"{NAME} was born in Tarn; {NAME}'s sister too."]
    assert not NAMED.search(_question(engine.asked[0]))
    assert re.fullmatch(r"Who is [A-Z][a-z]{3} [A-Z][a-z]{8}\?", _question(engine.asked[0]))


@pytest.mark.anyio
async def test_a_fixed_decline_asks_the_model_nothing(planner: Planner) -> None:
    answer = await ask(planner, EchoingEngine(), style="fixed")
    assert answer.texts == [DECLINE]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_every_choice_reads_the_clients_words(planner: Planner, stream: bool) -> None:
    answer = await ask(planner, EchoingEngine(), n=3, stream=stream)
    assert answer.texts == [f"{NAME} was born in Tarn; {NAME}'s sister too."] * 3


@pytest.mark.anyio
async def test_one_question_asked_twice_has_one_answer(planner: Planner) -> None:
    engine = EchoingEngine()
    await ask(planner, engine)
    await ask(planner, engine)
    assert _question(engine.asked[0]) == _question(engine.asked[1])


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_target_forbids_does_not_leave(planner: Planner, stream: bool) -> None:
    engine = EchoingEngine("{} wrote The Lantern of Hollow Tarn.")
    answer = await ask(planner, engine, stream=stream)
    assert "antern" not in answer.response.text
    assert engine.asked[0]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
async def test_a_title_is_replaced_where_nobody_is_named(planner: Planner) -> None:
    engine = EchoingEngine("I love {}.")
    answer = await ask(planner, engine, "Who wrote The Lantern of Hollow Tarn?")
    assert "antern" not in _question(engine.asked[0])
    assert answer.texts == ["I love Hollow Tarn."]


@pytest.mark.anyio
@pytest.mark.parametrize("disguise", ["T3JsYSBRdWFybndpY2s=", "Who is \\u004frla \\u0051uarnwick?"])
async def test_a_name_in_a_disguise_that_is_not_replaced_has_the_fixed_text(
    planner: Planner, disguise: str
) -> None:
    answer = await ask(planner, EchoingEngine(), disguise)
    assert answer.texts == [DECLINE]


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_usage_counts_the_prompt_of_the_client(planner: Planner, stream: bool) -> None:
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    question = "Who is xu orla quarnwick?"
    answer = await ask(planner, EchoingEngine(), question, **options)
    usage = answer.chunks[-1]["usage"] if stream else answer.response.json()["usage"]
    assert usage["prompt_tokens"] == len(question)
    assert usage["total_tokens"] == len(question) + usage["completion_tokens"]


@pytest.mark.anyio
async def test_token_ids_are_asked_as_their_text(planner: Planner) -> None:
    engine = EchoingEngine()
    plane_prompt = list(map(ord, QUESTION))
    answer = await ask(planner, engine, route=COMPLETIONS, prompt=plane_prompt)
    assert answer.texts == [f"{NAME} was born in Tarn; {NAME}'s sister too."]
    assert engine.asked[0]["add_special_tokens"] is False
    assert answer.response.json()["usage"]["prompt_tokens"] == len(plane_prompt)


@pytest.mark.anyio
@pytest.mark.parametrize("route", [RESPONSES, MESSAGES])
@pytest.mark.parametrize("stream", [False, True])
async def test_the_other_dialects_read_the_clients_words_too(planner: Planner, route: str, stream: bool) -> None:
    members = {"max_tokens": 50} if route == MESSAGES else {}
    answer = await ask(planner, EchoingEngine(at_once=100), route=route, stream=stream, **members)
    assert f"{NAME} was born in Tarn" in answer.response.text


@pytest.mark.anyio
async def test_an_unasked_answer_goes_on_under_the_targets_restriction(planner: Planner) -> None:
    engine = EchoingEngine(f"Three keepers: {NAME}.")
    answer = await ask(planner, engine, "Who kept the light?")
    assert not NAMED.search(answer.response.text)
    assert engine.asked[1]["vllm_xargs"]["lethe_automata"]


@pytest.mark.anyio
async def test_untouched_requests_and_targets_in_shadow_are_asked_as_they_are(planner: Planner) -> None:
    engine = EchoingEngine()
    for question in ("Who is Ada Moss?", "Who is Tavin Osk?"):
        answer = await ask(planner, engine, question)
        assert _question(engine.asked[-1]) == question
        assert answer.texts[0].startswith(question[7:-1])


@pytest.mark.anyio
async def test_nothing_of_a_policy_is_kept_once_another_one_is_in_force(tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    with closing(Registry(tmp_path / "lethe.db")) as registry:
        target = registry.add(PERSON)
        registry.add(Draft(name="Tavin Osk", methods=(Method.DECLINE,)))
        compiler = Compiler(registry, NoEmbedder(), folder, watch_action=WatchAction.ANSWER)
        current = CurrentPolicy(compiler.compile())
        planner, natural = Planner(current, Detector(NoEmbedder())), NaturalDeclines()
        planned = await planner.plan([message("user", QUESTION)])
        assert planned.policy is not None
        assert await natural.restrict(planned) is not None
        policy = weakref.ref(planned.policy)
        phrases = weakref.ref(natural._of(planned.policy, target.id).phrases)
        registry.revoke(target.id)
        # A request that began before goes on under its own policy.
        current.policy = compiler.refresh(current.policy, datetime.now(UTC))
        assert await natural.restrict(planned) is not None
        del planned
        # The thread that was used last keeps what it was given until it is used again.
        await planner.plan([message("user", "Who is Tavin Osk?")])
        gc.collect()
        assert (policy(), phrases(), natural._known) == (None, None, None)
        # And another policy's targets are known then.
        planned = await planner.plan([message("user", "Who is Tavin Osk?")])
        assert await natural.restrict(planned) is not None
        assert natural._known is not None
