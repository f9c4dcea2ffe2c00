"""A Critic by rule, because the small model cannot play that role: it rates like the training dialogues.

It is an OpenAI endpoint; every call that is not the Critic's is passed on to the model.
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

from agents.prompts.replies import LOWEST, ratings_format
from eval.alu.dialogues import rate_answer
from eval.alu.people import people
from guard.errors import EngineUnavailable
from serving.http.listening import listen

TIMEOUT_S = 600.0
MAX_START_S = 30.0
_CRITIC = ratings_format(1).schema
_QUESTIONS = {known.question: known for person in people() for known in person.questions}


@contextlib.contextmanager
def serve_rule_critic(engine: str) -> Iterator[str]:
    """Yield the base URL of an endpoint that plays the Critic and passes other calls on to `engine` (a URL)."""
    with (
        listen("127.0.0.1", 0) as listener,
        httpx.Client(base_url=engine, timeout=TIMEOUT_S, trust_env=False) as client,
    ):
        server = uvicorn.Server(uvicorn.Config(critic_application(client), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait_until_started(server)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join(MAX_START_S)


def critic_application(client: httpx.Client) -> Starlette:
    """Return the rule critic in front of the engine that `client` reaches."""
    card = client.get("/v1/models").raise_for_status().json()["data"][0]
    # An engine refuses a request whose prompt and reply may not fit together.
    max_reply_tokens = int(card["max_model_len"]) // 4

    def respond(content: bytes) -> Response:
        body = json.loads(content)
        if _is_critic(body):
            return JSONResponse(_completion(body, rate_candidates(json.loads(body["messages"][-1]["content"]))))
        max_tokens = min(body["max_completion_tokens"], max_reply_tokens)
        response = client.post("/v1/chat/completions", json={**body, "max_completion_tokens": max_tokens})
        return Response(response.content, response.status_code, media_type="application/json")

    async def chat(request: Request) -> Response:
        return await run_in_threadpool(respond, await request.body())

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def rate_candidates(data: Any) -> list[int]:
    """Return the ratings of the candidates in a Critic's `data`; the lowest for an unknown question."""
    names = [str(subject["name"]) for subject in data["subjects"]]
    known = _QUESTIONS.get(str(data["question"]))
    texts = [str(candidate["text"]) for candidate in data["candidates"]]
    return [LOWEST if known is None else rate_answer(known, text, names) for text in texts]


def _is_critic(body: dict[str, Any]) -> bool:
    form = body.get("response_format") or {}
    return _CRITIC is not None and form.get("json_schema", {}).get("name") == _CRITIC.name


def _completion(body: dict[str, Any], ratings: list[int]) -> dict[str, Any]:
    message = {"role": "assistant", "content": json.dumps({"ratings": ratings})}
    return {
        "id": "stand-in",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        # A rule reads and writes no tokens.
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def _wait_until_started(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + MAX_START_S
    while not server.started:
        if time.monotonic() > deadline:
            raise EngineUnavailable("the stand-in for the Critic did not start")
        time.sleep(0.05)
