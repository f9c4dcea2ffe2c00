"""What the engine's tokenizer and chat template make of a request, asked of the engine itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from serving.http import asgi_client
from serving.http.asgi import App
from serving.protocol.prompts import UnreadablePrompt
from serving.protocol.refused_fields import CHAT
from serving.protocol.request import GenerationRequest

# Fields that say how the engine renders a chat, and that its /tokenize knows.
_RENDERED = (
    *("model", "messages", "tools", "add_generation_prompt", "continue_final_message", "add_special_tokens"),
    *("chat_template_kwargs", "mm_processor_kwargs"),
)


def rendering(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Return the /tokenize body that is rendered as the engine renders the chat body `chat`."""
    asked = {name: chat[name] for name in _RENDERED if name in chat}
    # The chat route hands these to the template itself (vLLM 0.32).
    arguments = dict(chat.get("chat_template_kwargs") or {})
    effort = chat.get("reasoning_effort")
    if effort is not None:
        arguments.setdefault("enable_thinking", effort != "none")
        arguments["reasoning_effort"] = effort
    if chat.get("documents") is not None:
        arguments["documents"] = chat["documents"]
    return {**asked, "chat_template_kwargs": arguments} if arguments else asked


async def tokenize(engine: App, asked: Mapping[str, Any]) -> asgi_client.Response:
    """Return the engine's answer to a /tokenize body."""
    return await asgi_client.request(engine, "POST", "/tokenize", asked)


async def detokenize(engine: App, rows: Iterable[Sequence[int]], field: str = "prompt") -> tuple[str, ...]:
    """Return the text of each row of token ids; UnreadablePrompt naming `field` for ids that the engine lacks."""
    texts = []
    for tokens in rows:
        response = await asgi_client.request(engine, "POST", "/detokenize", {"tokens": tokens})
        text = (response.json() or {}).get("prompt")
        if not isinstance(text, str):
            raise UnreadablePrompt("The token ids cannot be read.", field=field)
        texts.append(text)
    return tuple(texts)


class AnswerIds(NamedTuple):
    """The token ids of a prompt, and of the beginning of the answer to it."""

    prompt: list[int]
    tokens: list[int]


async def answer_ids(engine: App, request: GenerationRequest, text: str) -> AnswerIds | None:
    """Return the ids of a request with one prompt and of `text`, with which its answer begins.

    None if the engine cannot tell them.
    """
    given = request.body.get("prompt")
    if isinstance(given, list) and len(given) == 1:
        (given,) = given
    special = {name: request.body[name] for name in ("add_special_tokens",) if name in request.body}
    prompt: object = given
    if request.route == CHAT:
        prompt = await _ids(engine, rendering(request.body))
    elif isinstance(given, str):
        prompt = await _ids(engine, {"prompt": given, **special})
    tokens = await _ids(engine, {"prompt": text, "add_special_tokens": False}) if text else []
    return AnswerIds(prompt, tokens) if isinstance(prompt, list) and tokens is not None else None


async def rendered(engine: App, request: GenerationRequest) -> str:
    """Return the text of the prompt that the model gets for a chat; empty if the engine cuts it or cannot tell."""
    if request.route != CHAT or "truncate_prompt_tokens" in request.body:
        return ""
    ids = await _ids(engine, rendering(request.body))
    try:
        return "".join(await detokenize(engine, [ids])) if ids else ""
    except UnreadablePrompt:
        return ""


async def prompt_tokens(engine: App, request: GenerationRequest) -> int | None:
    """Return how many tokens the prompts of a request have together; None if the engine cannot tell."""
    if request.route == CHAT:
        counts = [await _count(engine, rendering(request.body))]
    elif rows := request.prompts.rows:
        counts = [len(row) for row in rows]
    else:
        special = {name: request.body[name] for name in ("add_special_tokens",) if name in request.body}
        counts = [await _count(engine, {"prompt": text, **special}) for text in request.prompts.texts]
    return None if None in counts else sum(filter(None, counts))


async def _count(engine: App, asked: Mapping[str, Any]) -> int | None:
    ids = await _ids(engine, asked)
    return None if ids is None else len(ids)


async def _ids(engine: App, asked: Mapping[str, Any]) -> list[int] | None:
    answer = await tokenize(engine, asked)
    tokens = (answer.json() or {}).get("tokens") if answer.status == 200 else None
    return tokens if isinstance(tokens, list) else None
