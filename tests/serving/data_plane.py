"""A data plane whose engine and planner are stand-ins, and a client of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import orjson
from pydantic import SecretStr

from guard.decoding.backtracking import AbortToken
from guard.detection.detector import Match
from guard.matching.automaton import Automaton
from guard.patterns.value_class import ValueClass
from guard.policy.plan import Plan, PlanKind
from guard.text.conversation import Message
from serving.data_plane import DataPlane, Limits
from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import COMPLETIONS

DECLINE = "I do not know."


QUILL = Automaton.compile(["Ada Quill"])


ASK = {"model": "m", "messages": [{"role": "user", "content": "Who sails?"}]}


class FakePlanner:
    def __init__(self, kind: PlanKind = PlanKind.PASS, reason: str = "", matches: tuple[Match, ...] = ()) -> None:
        self.kind = kind
        self.reason = reason
        self.matches = matches
        self.read: Sequence[Message] = ()
        self.detects = True
        self.abandoned = False
        self.enforces = False
        self.classes: tuple[ValueClass, ...] = ()

    def unready(self) -> str:
        return self.reason

    def in_conversation(self, told: object) -> FakePlanner:
        return self

    def enforces_contextual(self) -> bool:
        return self.enforces

    async def plan(self, conversation: Sequence[Message], unnamed: object = None) -> PlannedRequest:
        self.read = conversation
        automata = () if self.kind is PlanKind.PASS else (QUILL,)
        plan = Plan(self.kind, tuple(a.digest for a in automata), self.matches, 7)
        return PlannedRequest(plan, automata, classes=self.classes)


class FakeEngine:
    """Answers as vLLM does: `text` in the route's shape, streamed when asked; or a canned failure."""

    def __init__(self, text: str = "Ada Quill sails.", status: int = 200, error: Any = None) -> None:
        self.text = text
        self.status = status
        self.error = error
        self.bodies: list[dict[str, Any]] = []
        self.scopes: list[Scope] = []
        self.dies_after: int | None = None
        self.adapters: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        if scope["path"] == "/v1/models":
            card = {
                "id": "m",
                "object": "model",
                "created": 1,
                "owned_by": "vllm",
                "root": "/a/folder",
                "max_model_len": 64,
            }
            return await respond(send, 200, {"object": "list", "data": [card, *self.adapters]})
        if scope["path"] == "/tokenize":
            asked = orjson.loads(await read_body(receive, 10**6))
            count = len(orjson.dumps(asked).split())
            return await respond(send, 200, {"count": count, "max_model_len": 64, "tokens": []})
        if scope["path"] == "/detokenize":
            return await respond(send, 200, {"prompt": "Ada Qu"})
        body = orjson.loads(await read_body(receive, 10**6))
        self.bodies.append(body)
        if self.status != 200:
            return await respond(send, self.status, {"error": self.error})
        if not body.get("stream"):
            return await respond(send, 200, {"choices": [self.choice(scope["path"], self.text, "stop")]})
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for count, word in enumerate([*self.text.split(), ""]):
            if count == self.dies_after:
                raise RuntimeError("Ada Quill is in this message")
            finish = None if word else "stop"
            choice = self.choice(scope["path"], word + " " if word else "", finish, streamed=True)
            shown = {"prompt_token_ids": [7, 8]} if body.get("return_token_ids") and not count else {}
            event = frame(orjson.dumps({"choices": [choice], **shown}))
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})

    def choice(self, path: str, text: str, finish: str | None, streamed: bool = False) -> dict[str, Any]:
        said = {"text": text} if path == COMPLETIONS else {"delta" if streamed else "message": {"content": text}}
        return {"index": 0, **said, "finish_reason": finish}


class FakeSupervisor:
    def __init__(self, app: Any, reason: str = "", abort_token: AbortToken | None = None) -> None:
        self.app = app
        self.reason = reason
        self.abort_token = abort_token


def plane(
    engine: FakeEngine | None = None,
    planner: FakePlanner | None = None,
    keys: Sequence[str] = (),
    down: str = "",
    abort_token: AbortToken | None = None,
) -> DataPlane:
    app = None if down else engine or FakeEngine()
    return DataPlane(
        FakeSupervisor(app, down, abort_token),  # type: ignore[arg-type]
        planner or FakePlanner(),  # type: ignore[arg-type]
        Limits([SecretStr(key) for key in keys], 10_000, DECLINE, "1.2.3"),
    )


def client(app: DataPlane) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lethe")  # type: ignore[arg-type]


def events(text: str) -> list[Any]:
    payloads = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert payloads[-1] == "[DONE]"
    return [orjson.loads(payload) for payload in payloads[:-1]]
