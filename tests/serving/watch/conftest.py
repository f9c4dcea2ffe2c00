"""An engine, a planner and targets that answers are watched for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from guard.decoding.backtracking import AbortToken
from guard.detection.calibration import Signals
from guard.detection.detector import Doubt, Match
from guard.policy.compiler import Compiler
from guard.policy.plan import PlanKind, plan_for
from guard.policy.policy import Policy
from guard.policy.watch import WatchAction
from guard.registry.registry import Registry
from guard.targets.target import Draft, Fact, Mode
from guard.text.conversation import Message
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.planner import PlannedRequest, Planner
from serving.planning.near_texts import PlanNearTexts
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.telemetry.metrics import Metrics
from serving.telemetry.recorder import Recorder

DECLINE = "I do not know."


ABORT = AbortToken(3, lambda ids: "")


NAME = "Orla Quarnwick"


FACT = Fact(question="What did she write?", answer="“The Lantern of Hollow Tarn”.")


ROUTES = (CHAT, COMPLETIONS)


class CountingEngine:
    """Says the words of its script, call by call, until it is cut; tells the ids of words as their hashes."""

    def __init__(self, *scripts: str, at_once: int = 1) -> None:
        self.scripts = list(scripts)
        self.at_once = at_once
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/v1/models":
            return await respond(send, 200, {"data": [{"id": "m", "max_model_len": 4096}]})
        body = orjson.loads(await read_body(receive, 10**6))
        if path == "/tokenize":
            text = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
            return await respond(send, 200, {"tokens": [len(word) for word in text.split()]})
        self.asked.append((path, body))
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if not body.get("stream"):
            choices = [self.choice(path, script, "stop", "message") for _ in range(body.get("n") or 1)]
            return await respond(send, 200, {"choices": [{**one, "index": k} for k, one in enumerate(choices)]})
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        pieces = self.pieces(script)
        for number, piece in enumerate(pieces):
            finish = "stop" if number == len(pieces) - 1 else None
            shown = {"prompt_token_ids": [1, 2]} if body.get("return_token_ids") and not number else {}
            choice = self.choice(path, piece, finish, "delta") | {"token_ids": [9]}
            chunk = {"id": "x", "object": "o", "created": 5, "model": "m", "choices": [choice], **shown}
            self.sent += 1
            await send({"type": "http.response.body", "body": frame(orjson.dumps(chunk)), "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    def pieces(self, script: str) -> list[str]:
        return [script[at : at + self.at_once] for at in range(0, max(1, len(script)), self.at_once)]

    def choice(self, path: str, text: str, finish: str | None, holder: str) -> dict[str, Any]:
        said = {"text": text} if path == COMPLETIONS else {holder: {"content": text}}
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


class UntouchedPlanner(Planner):
    """Plans every question as touching nothing: only the answer tells."""

    def __init__(self, policy: Policy) -> None:
        self._threads = None  # type: ignore[assignment]
        self._near = PlanNearTexts()
        self._policy = policy

    detects = False

    def unready(self) -> str:
        return ""

    def enforces_contextual(self) -> bool:
        return False

    async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
        return self._planned(self._policy, plan_for(self._policy, ()))


class DoubtingPlanner(UntouchedPlanner):
    """Leaves the first target of the policy in doubt, of which a sentence with the word "lamp" tells."""

    detects = True

    def enforces_contextual(self) -> bool:
        return True

    async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
        doubt = Doubt(self._match, "who?")
        return self._planned(self._policy, replace(plan_for(self._policy, ()), doubts=(doubt,)))

    async def plan_sentence(self, planned: PlannedRequest, said: str) -> PlannedRequest | None:
        if "lamp" not in said or planned.plan.matches:
            return None
        new = plan_for(self._policy, (self._match,))
        return self._planned(self._policy, replace(new, doubts=planned.plan.doubts))

    @property
    def _match(self) -> Match:
        return Match(next(iter(self._policy.targets)), 0.9, Signals(0.0, 0.8), Mode.ENFORCE)


class FakeSupervisor:
    reason = ""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.abort_token = ABORT


class KeptRecorder(Recorder):
    """Keeps what answers touched: the kind of plan and the modes of the targets."""

    def __init__(self) -> None:
        super().__init__(Metrics())
        self.said: list[tuple[PlanKind, list[Mode]]] = []

    def record_said(self, request_id: str, before: PlannedRequest, found: PlannedRequest) -> None:
        super().record_said(request_id, before, found)
        new = found.plan.matches[len(before.plan.matches) :]
        self.said.append((found.plan.kind, [match.mode for match in new]))


Ask = Callable[..., Any]


class FlatEmbedder:
    """Finds no text close to another."""

    name = "flat"
    dimension = 2

    def embed(self, texts: Sequence[str]) -> Any:
        return np.zeros((len(texts), 2), np.float32)


def _policy(folder: Path, drafts: Sequence[Draft], action: WatchAction) -> Policy:
    (folder / "policy").mkdir()
    with closing(Registry(folder / "lethe.db")) as registry:
        registry.add_many(drafts)
        return Compiler(registry, FlatEmbedder(), folder / "policy", watch_action=action).compile()


async def ask_under(
    policy: Policy,
    engine: CountingEngine,
    route: str = CHAT,
    planner: type[UntouchedPlanner] = UntouchedPlanner,
    **members: Any,
) -> Asked:
    recorder = KeptRecorder()
    plane = DataPlane(
        FakeSupervisor(engine),  # type: ignore[arg-type]
        planner(policy),
        Limits((), 10_000, DECLINE, "1"),
        recorder=recorder,
    )
    said = {"messages": [{"role": "user", "content": "Who?"}]} if route == CHAT else {"prompt": "Who?"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(plane), base_url="http://lethe") as http:  # type: ignore[arg-type]
        response = await http.post(route, json={"model": "m", **said, **members})
    return Asked(response, recorder.said)


@pytest.fixture
def asked(tmp_path: Path) -> Ask:
    async def ask(
        engine: CountingEngine, *drafts: Draft, action: WatchAction = WatchAction.ANSWER, **members: Any
    ) -> Asked:
        return await ask_under(_policy(tmp_path, drafts, action), engine, **members)

    return ask


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return _policy(tmp_path_factory.mktemp("watched"), (PERSON,), WatchAction.ANSWER)


class Asked:
    def __init__(self, response: httpx.Response, said: list[tuple[PlanKind, list[Mode]]]) -> None:
        self.response = response
        self.recorded = said

    @property
    def chunks(self) -> list[dict[str, Any]]:
        payloads = [line.removeprefix("data: ") for line in self.response.text.split("\n\n") if line]
        assert payloads[-1] == "[DONE]"
        return [orjson.loads(payload) for payload in payloads[:-1]]

    @property
    def texts(self) -> list[str]:
        """What each choice says."""
        if "text/event-stream" not in self.response.headers["content-type"]:
            return [_text(choice) for choice in self.response.json()["choices"]]
        said: dict[int, str] = {}
        for chunk in self.chunks:
            for choice in chunk["choices"]:
                said[choice["index"]] = said.get(choice["index"], "") + _text(choice)
        return [said[index] for index in sorted(said)]


def _text(choice: dict[str, Any]) -> str:
    return str(choice.get("text") or (choice.get("delta") or choice.get("message") or {}).get("content") or "")


PERSON = Draft(name=NAME, facts=(FACT,))


UNASKED = f"Three keepers: Ada Moss, {NAME} and Pell Dross."


REST = " somebody else and Pell Dross."


CLEAN = "Three keepers: Ada Moss, somebody else and Pell Dross."
