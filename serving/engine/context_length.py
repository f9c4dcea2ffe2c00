"""The engine's own context limit, asked for before anything examines a long request."""

from __future__ import annotations

from typing import Any

from serving.engine.tokenizer import rendering, tokenize
from serving.http import asgi_client
from serving.http.asgi import App
from serving.protocol.errors import ContextLengthExceeded, context_lengths
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

# A request of fewer characters or ids is examined in less time than it takes to count its tokens.
SHORT = 4_096


async def check_context_length(engine: App, request: GenerationRequest, characters: int) -> None:
    """Raise ContextLengthExceeded for a request that the engine would refuse for the length of its prompt.

    `characters` is at least the length of all its texts. What the engine cuts itself, and what it cannot count, is
    left for it to judge.
    """
    if characters <= SHORT or "truncate_prompt_tokens" in request.body:
        return
    field = "messages" if request.route == CHAT else "prompt"
    if rows := request.prompts.rows:
        models = (await asgi_client.request(engine, "GET", "/v1/models")).json() or {}
        limit = next((card.get("max_model_len") for card in models.get("data", ())), None)
        if isinstance(limit, int) and (longest := max(map(len, rows))) > limit:
            raise ContextLengthExceeded(limit, longest, field)
        return
    for asked in _renderings(request):
        reply = await tokenize(engine, asked)
        answer: Any = reply.json() or {}
        if reply.status == 200 and answer["count"] > answer["max_model_len"]:
            raise ContextLengthExceeded(answer["max_model_len"], answer["count"], field)
        if reply.status == 400 and (lengths := context_lengths(reply.body)) is not None:
            raise ContextLengthExceeded(*lengths, field)


def _renderings(request: GenerationRequest) -> list[dict[str, Any]]:
    body = request.body
    if request.route == CHAT:
        return [rendering(body)]
    model = {"model": body["model"]} if "model" in body else {}
    return [{**model, "prompt": text} for text in request.prompts.texts if len(text) > SHORT]
