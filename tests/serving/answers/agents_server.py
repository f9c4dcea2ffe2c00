"""The data plane with the agents: a real policy, detector and planner; the tests' actor is the engine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from agents.ledger import Budget
from agents.openai_chat import OpenAIChat
from agents.pipeline import Profile
from agents.result import AgentsResult
from guard.detection.detector import Detector
from guard.policy.compiler import Compiler
from guard.policy.current import CurrentPolicy
from guard.policy.policy import Policy
from guard.registry.registry import Registry
from guard.targets.target import Draft
from serving.answers.agents import Agents, AgentSettings
from serving.data_plane import DataPlane, Limits
from serving.engine.client import engine_client
from serving.http.asgi import Receive, Scope, Send, respond
from serving.planner import Planner
from tests.agents.actor import Actor
from tests.agents.conftest import WordEmbedder

DECLINE = "I do not know."
CONTEXT = 4096


class ActingEngine:
    """The actor where an engine stands: it also lists its model and counts words as tokens."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/models":
            card = {"id": "m", "max_model_len": CONTEXT}
            return await respond(send, 200, {"object": "list", "data": [card]})
        if scope["path"] in ("/tokenize", "/detokenize"):
            body = orjson.loads((await receive())["body"])
            if "tokens" in body:
                return await respond(send, 200, {"prompt": " ".join(body["tokens"])})
            return await respond(send, 200, {"tokens": body["prompt"].split()})
        await self.actor(scope, receive, send)


@dataclass
class Supervisor:
    app: Any
    reason: str = ""
    abort_token: None = None


@dataclass
class AgentsServer:
    """A client of the data plane, the verdicts the agents came to, and the application itself."""

    http: httpx.AsyncClient
    plane: DataPlane
    verdicts: list[AgentsResult]


@contextlib.asynccontextmanager
async def serve_agents(
    folder: Path,
    actor: Actor,
    *drafts: Draft,
    profile: Profile = Profile.LETHE,
    budget: Budget | None = None,
    concurrency: int = 16,
    second: OpenAIChat | None = None,
) -> AsyncIterator[AgentsServer]:
    embedder = WordEmbedder()
    current = CurrentPolicy()
    current.policy = _compiled(folder, embedder, drafts)
    supervisor: Any = Supervisor(ActingEngine(actor))
    verdicts: list[AgentsResult] = []
    async with engine_client(lambda: supervisor.app) as client:
        terms = AgentSettings(profile, 4.0, budget or Budget())
        semaphore = asyncio.Semaphore(concurrency)
        agents = Agents(current, embedder, terms, client, semaphore, second, verdicts.append)
        planner = Planner(current, Detector(embedder))
        plane = DataPlane(supervisor, planner, Limits((), 100_000, DECLINE, "1"), agents)
        app: Any = plane
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lethe") as http:
            yield AgentsServer(http, plane, verdicts)


def _compiled(folder: Path, embedder: WordEmbedder, drafts: Sequence[Draft]) -> Policy:
    folder.mkdir(exist_ok=True)
    registry = Registry(folder / "registry.db")
    try:
        registry.add_many(drafts)
        return Compiler(registry, embedder, folder).compile()
    finally:
        registry.close()


def events(text: str) -> list[Any]:
    """The chunks of a stream, comments left out; it must end as every stream does."""
    payloads = [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
    assert payloads[-1] == "[DONE]"
    return [orjson.loads(payload) for payload in payloads[:-1]]


def streamed(chunks: Sequence[Any], index: int = 0) -> str:
    """What a client of a chat stream reads."""
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)
