"""A stand-in for the Critic, which is beyond the small model: it rates by the rule of the training's dialogues.

It answers as an OpenAI endpoint; every call that is not the Critic's goes on to the model.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.prompts.replies import LOWEST, ratings
from eval.alu.dialogues import rating
from eval.alu.people import people
from guard.errors import EngineUnavailable
from serving.launch import listen

TIMEOUT = 600.0
STARTS_WITHIN = 30.0
_CRITIC = ratings(1).schema
_ASKED = {asked.question: asked for person in people() for asked in person.asked}


@contextlib.contextmanager
def critic(engine: str) -> Iterator[str]:
    """Yield the base URL of an endpoint that plays the Critic and has `engine` (a URL) play the other roles."""
    with (
        listen("127.0.0.1", 0) as listener,
        httpx.Client(base_url=engine, timeout=TIMEOUT, trust_env=False) as client,
    ):
        server = uvicorn.Server(uvicorn.Config(application(client), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait_for(server)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join(STARTS_WITHIN)


def application(client: httpx.Client) -> Starlette:
    """Return the stand-in in front of the engine that `client` reaches."""
    card = client.get("/v1/models").raise_for_status().json()["data"][0]
    # An engine refuses a reply that may not fit beside its prompt.
    longest = int(card["max_model_len"]) // 4

    def answered(body: bytes) -> Response:
        given = json.loads(body)
        if _is_critic(given):
            return JSONResponse(_completion(given, rated(json.loads(given["messages"][-1]["content"]))))
        shorter = min(given["max_completion_tokens"], longest)
        answer = client.post("/v1/chat/completions", json={**given, "max_completion_tokens": shorter})
        return Response(answer.content, answer.status_code, media_type="application/json")

    async def chat(request: Request) -> Response:
        return await run_in_threadpool(answered, await request.body())

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def rated(data: Any) -> list[int]:
    """Return the ratings of the candidates in a Critic's `data`; the lowest where nobody asks such a question."""
    names = [str(subject["name"]) for subject in data["subjects"]]
    asked = _ASKED.get(str(data["question"]))
    texts = [str(candidate["text"]) for candidate in data["candidates"]]
    return [LOWEST if asked is None else rating(asked, text, names) for text in texts]


def _is_critic(given: dict[str, Any]) -> bool:
    form = given.get("response_format") or {}
    return _CRITIC is not None and form.get("json_schema", {}).get("name") == _CRITIC.name


def _completion(given: dict[str, Any], found: list[int]) -> dict[str, Any]:
    said = {"role": "assistant", "content": json.dumps({"ratings": found})}
    return {
        "id": "stand-in",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": given["model"],
        "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
        # A rule reads and writes no tokens.
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def _wait_for(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not server.started:
        if time.monotonic() > deadline:
            raise EngineUnavailable("the stand-in for the Critic did not start")
        time.sleep(0.05)
