"""The actor, a stand-in for a language model: a deterministic OpenAI-compatible server of scripted replies.

It plays every role by script, so that the tests can say what the pipeline does with a reply; it says nothing about
how well any model would reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import httpx
import uvicorn
from openai import AsyncOpenAI

from agents.chat import Completion, Completions, Schema, Usage
from agents.openai_chat import OpenAIChat
from agents.prompts.prompt import load_prompt
from guard.text.conversation import Message

PROMPTS = {
    "check": "check",
    "lethe/rewrite": "rewrite",
    "paper/rewrite": "rewrite",
    "lethe/rate": "critic",
    "paper/rate": "critic",
    "paper/parse": "parse",
    "lethe/compose": "composer",
    "paper/compose": "composer",
}

REPAIR = files("agents").joinpath("prompts", "repair.md").read_text(encoding="utf-8").rstrip()

_CLOCKS: dict[asyncio.AbstractEventLoop, Callable[[float], None]] = {}
Script = Callable[["ActorCall"], "ScriptedReply"]
ScriptedReply = str | None | int | list[str | None] | Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class ActorCall:
    """One call to the actor, and the role that it plays."""

    role: str
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, str]]:
        prompt = [{"role": "user", "content": self.body.get("prompt")}]
        return self.body.get("messages", prompt)

    @property
    def data(self) -> Any:
        """The parsed data of the role."""
        return json.loads(self.messages[-1]["content"])

    @property
    def repair(self) -> bool:
        return self.messages[0]["content"].endswith(REPAIR)


def role_of(messages: list[dict[str, str]]) -> str:
    system = messages[0]["content"] if messages[0]["role"] == "system" else ""
    known = {role for name, role in PROMPTS.items() if system.startswith(load_prompt(name).system)}
    return known.pop() if known else "vanilla"


@dataclass
class Actor:
    """An ASGI application. `script` says the reply to each call: a text, several (one for each of n choices), None
    for a choice without text, a status to fail with, or a coroutine function that writes to the connection."""

    script: Script
    asked: list[ActorCall] = field(default_factory=list)
    left: int = 0

    @property
    def roles(self) -> list[str]:
        return [asked.role for asked in self.asked]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        given = json.loads(body)
        asked = ActorCall(role_of(given["messages"]) if "messages" in given else "vanilla", given)
        self.asked.append(asked)
        said = self.script(asked)
        if callable(said):
            await self._until_left(said(send), receive)
        elif isinstance(said, int):
            await reply(send, b'{"error": {"message": "scripted failure"}}', said)
        else:
            await reply(send, json.dumps(completion(asked, said)).encode())

    async def _until_left(self, writing: Awaitable[None], receive: Any) -> None:
        task = asyncio.ensure_future(writing)
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left += 1
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.contextmanager
def own_clock() -> Iterator[None]:
    """Give the running loop a clock that `pass_time` puts forward, so that no test waits for a time-out."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, 0.0

    def put_forward(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    _CLOCKS[loop] = put_forward
    loop.time = lambda: real() + ahead  # type: ignore[method-assign]
    try:
        yield
    finally:
        loop.time = real  # type: ignore[method-assign]
        del _CLOCKS[loop]


def pass_time(seconds: float) -> None:
    """Let `seconds` pass at once for everything that waits on the running loop, if it has an `own_clock`."""
    if put_forward := _CLOCKS.get(asyncio.get_running_loop()):
        put_forward(seconds)


def completion(asked: ActorCall, said: str | list[str | None] | None) -> dict[str, Any]:
    texts = said if isinstance(said, list) else [said] * asked.body.get("n", 1)
    read = sum(len(message["content"].split()) for message in asked.messages)
    written = sum(len((text or "").split()) for text in texts)
    places = [
        {"text": text} if "prompt" in asked.body else {"message": {"role": "assistant", "content": text}}
        for text in texts
    ]
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": asked.body["model"],
        "choices": [{"index": k, "finish_reason": "stop", **place} for k, place in enumerate(places)],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }


def cut_off(text: str) -> Callable[[ActorCall], ScriptedReply]:
    """A script whose choices all ended for their length."""

    def script(asked: ActorCall) -> ScriptedReply:
        async def said(send: Any) -> None:
            body = completion(asked, text)
            for choice in body["choices"]:
                choice["finish_reason"] = "length"
            await reply(send, json.dumps(body).encode())

        return said

    return script


async def reply(send: Any, body: bytes, status: int = 200, kind: bytes = b"application/json") -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


def by_role(**lines: Any) -> Script:
    """Return a script by role: the lines of a role in order, the last one repeated; a function is called."""
    position = dict.fromkeys(lines, 0)

    def script(asked: ActorCall) -> ScriptedReply:
        said = lines[asked.role]
        if callable(said):
            return said(asked)
        if isinstance(said, tuple):
            index = min(position[asked.role], len(said) - 1)
            position[asked.role] += 1
            return said[index]
        return said

    return script


@contextlib.asynccontextmanager
async def chat_with(
    actor: Actor, *, second_provider: bool = False, concurrency: int = 16
) -> AsyncIterator[OpenAIChat]:
    """The actor behind the official client, without a socket."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(actor)) as http:
        client = AsyncOpenAI(base_url="http://actor/v1", api_key="unused", http_client=http)
        yield OpenAIChat(client, "actor", second_provider, asyncio.Semaphore(concurrency))


@dataclass
class DirectChat:
    """The actor as a Chat, without a client or a connection."""

    actor: Actor
    second_provider: bool = False

    async def complete(
        self, messages: Sequence[Message], n: int, schema: Schema | None, max_tokens: int, temperature: float
    ) -> Completions:
        body: dict[str, Any] = {
            "model": "actor",
            "messages": [{"role": message.role, "content": message.text} for message in messages],
            "n": n,
        }
        if schema is not None:
            body["response_format"] = {"json_schema": {"name": schema.name, "schema": schema.body}}
        asked = ActorCall(role_of(body["messages"]), body)
        self.actor.asked.append(asked)
        said = self.actor.script(asked)
        texts = said if isinstance(said, list) else [said]
        return Completions(tuple(Completion(text) for text in texts if isinstance(text, str)), Usage(1, 1))


@contextlib.asynccontextmanager
async def served(actor: Any) -> AsyncIterator[OpenAIChat]:
    """The actor behind the official client and real HTTP on a loopback port."""
    config = uvicorn.Config(actor, port=0, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="unused") as client:
            yield OpenAIChat(client, "actor", second_provider=False)
    finally:
        server.should_exit = True
        await serving
