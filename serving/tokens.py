"""Routes that count and spell tokens: they tell of the tokenizer and the chat template, and ask no model.

All that they give out is made of the client's own words or ids, so nothing of it is examined or guarded. No route
gives out ids that the model chose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from serving.engine.tokenizer import detokenize, rendering, tokenize
from serving.http.asgi import App
from serving.http.asgi_client import Response
from serving.preparation import Preparation
from serving.protocol import errors
from serving.protocol.fields import InvalidValue
from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES
from serving.protocol.request import GenerationRequest, read_object, read_request
from serving.routes import COUNT_TOKENS, DETOKENIZE

Read = Callable[[str, dict[str, Any]], GenerationRequest]
_SPELLED = "return_token_strs"
_TOLD = ("count", "max_model_len", "tokens", "token_strs")


async def answer_tokens(
    engine: App, route: str, raw: bytes, preparation: Preparation, read: Read = read_request
) -> errors.ErrorResponse:
    """Return status and body of the answer to the body `raw` on one of the routes of tokens.

    `read` reads a body that a route which generates would get. Raises RequestRefused as those routes do.
    """
    body = read_object(raw)
    if route == DETOKENIZE:
        return await _detokenize(engine, body)
    if route == COUNT_TOKENS:
        # Nothing is generated: what says how is none of this route's.
        request = read(MESSAGES, {**body, "max_tokens": 1, "stream": False})
        request = await preparation.prepare(engine, MESSAGES, request)
        answer = await tokenize(engine, rendering(request.body))
        if answer.status != 200:
            return errors.from_engine(answer.status, answer.body)
        return errors.ErrorResponse(200, {"input_tokens": answer.json()["count"]})
    answer = await _tokenize(engine, body, preparation, read)
    if answer.status != 200:
        return errors.from_engine(answer.status, answer.body)
    told: dict[str, Any] = answer.json()
    return errors.ErrorResponse(200, {name: told[name] for name in _TOLD if name in told})


async def _tokenize(engine: App, body: dict[str, Any], preparation: Preparation, read: Read) -> Response:
    spelled = body.get(_SPELLED)
    if not isinstance(spelled, bool | None):
        raise InvalidValue(f"The field '{_SPELLED}' has a value of the wrong type.", field=_SPELLED)
    given = {name: value for name, value in body.items() if name != _SPELLED}
    more = {_SPELLED: spelled} if spelled else {}
    if "messages" in given:
        request = await preparation.prepare(engine, CHAT, read(CHAT, given))
        return await tokenize(engine, {**rendering(request.body), **more})
    completion = read(COMPLETIONS, given).body
    if not isinstance(completion.get("prompt"), str):
        raise InvalidValue("The field 'prompt' must be a string here.", field="prompt")
    names = ("model", "prompt", "add_special_tokens")
    return await tokenize(engine, {name: completion[name] for name in names if name in completion} | more)


async def _detokenize(engine: App, body: dict[str, Any]) -> errors.ErrorResponse:
    tokens = body.get("tokens")
    if not isinstance(tokens, list) or not all(type(token) is int and 0 <= token < 2**31 for token in tokens):
        raise InvalidValue("The field 'tokens' must be a list of token ids.", field="tokens")
    (text,) = await detokenize(engine, [tokens], "tokens")
    return errors.ErrorResponse(200, {"prompt": text})
