"""The engine's own context limit, asked for before anything examines a long request."""

from __future__ import annotations

from typing import Any, NamedTuple

from anyio import CapacityLimiter

from serving.engine.tokenizer import rendering, tokenize
from serving.http import asgi_client
from serving.http.asgi import App
from serving.protocol.errors import ContextLengthExceeded, context_lengths
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

# A request of fewer characters or ids is examined in less time than it takes to count its tokens.
SHORT = 4_096
# Characters that are counted at first, when there are more.
FIRST_CHARS = 8_192
# The text up to a cut may have more tokens than the same text within the whole, by no more than this.
CUT_TOKENS = 64
# The engine counts one after the other, and a short request, which is not counted here, waits there for its turn.
_COUNTS = CapacityLimiter(1)


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
    async with _COUNTS:
        for asked in _renderings(request):
            await _check(engine, asked, field)


async def _check(engine: App, asked: dict[str, Any], field: str) -> None:
    # Of a very long text its beginning is already too long. Counting all of it takes the engine minutes, in which
    # nobody else's tokens are counted.
    budget = FIRST_CHARS
    while True:
        shortened = _shortened(asked, budget)
        reply = await tokenize(engine, shortened.body)
        answer: Any = reply.json() or {}
        if reply.status == 400 and (lengths := context_lengths(reply.body)) is not None:
            raise ContextLengthExceeded(*lengths, field)
        if reply.status != 200:
            return
        count, limit = answer["count"], answer["max_model_len"]
        if count > limit + (CUT_TOKENS if shortened.is_cut else 0):
            raise ContextLengthExceeded(limit, count, field, at_least=shortened.is_cut)
        if not shortened.is_cut:
            return
        budget = max(4 * budget, 8 * limit)


class _Shortened(NamedTuple):
    """A /tokenize body, and whether any of its texts was cut."""

    body: dict[str, Any]
    is_cut: bool


def _shortened(asked: dict[str, Any], budget: int) -> _Shortened:
    """Return `asked` with the texts of its prompt or messages cut so that they have `budget` characters in all."""
    left = budget
    is_cut = False

    def cut(text: str) -> str:
        nonlocal left, is_cut
        kept = text[:left]
        left -= len(kept)
        is_cut |= len(kept) < len(text)
        return kept

    def cut_content(content: Any) -> Any:
        if isinstance(content, str):
            return cut(content)
        if not isinstance(content, list):
            return content
        return [{**part, "text": cut(part["text"])} if _is_text(part) else part for part in content]

    body = dict(asked)
    if isinstance(asked.get("prompt"), str):
        body["prompt"] = cut(asked["prompt"])
    if "messages" in asked:
        body["messages"] = [
            {**message, "content": cut_content(message["content"])} if "content" in message else message
            for message in asked["messages"]
        ]
    return _Shortened(body, is_cut)


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)


def _renderings(request: GenerationRequest) -> list[dict[str, Any]]:
    body = request.body
    if request.route == CHAT:
        return [rendering(body)]
    model = {"model": body["model"]} if "model" in body else {}
    return [{**model, "prompt": text} for text in request.prompts.texts if len(text) > SHORT]
