"""An engine without a model: judges a request by vLLM's own classes, and answers canned text in vLLM's shapes.

A closed row may only end; a grammar fails a closed row, as it refuses the end. A row that may abort does so where
its text heads into the phrase.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import orjson

from serving.http.asgi import Receive, Scope, Send, read_body, respond
from serving.http.sse import DONE, frame
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from tests.serving.twins.bodies import QUESTION

PHRASE = "Ada Quill"
MAX_MODEL_LEN = 4096
ABORT_TOKEN = 5
END = "<|end|>"
WORDS = ("The", " harbour", " town", " of", " Ada", " Quill", " lies", " by", " the", " sea", ".")
AFTER_ABORT = (" an", " old", " bell", ".")
ROW_FAILURE = {"error": {"message": "Internal server error", "type": "InternalServerError", "param": None}}
BAD_GRAMMAR = {"error": {"message": "bad grammar", "type": "BadRequestError", "param": None, "code": 400}}
_FIRST_ID = 100


class Refused(Exception):
    """The engine's own judgement of a request: 400."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class StubEngine:
    """An ASGI application in vLLM's place; with `dead_end`, every grammar leads a restricted row into a phrase."""

    def __init__(self, dead_end: bool = False) -> None:
        self._dead_end = dead_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/v1/models":
            card = {"id": "m", "object": "model", "created": 1, "owned_by": "vllm", "max_model_len": MAX_MODEL_LEN}
            return await respond(send, 200, {"object": "list", "data": [card]})
        body = orjson.loads(await read_body(receive, 10**8))
        if path == "/tokenize":
            return await respond(send, 200, {"count": 3, "max_model_len": MAX_MODEL_LEN, "tokens": [7, 8, 9]})
        if path == "/detokenize":
            return await respond(send, 200, {"prompt": QUESTION})
        try:
            row = _Row(path, body, _validated(path, body), self._dead_end)
        except Refused as refused:
            error = {"message": str(refused), "type": "BadRequestError", "param": refused.param, "code": 400}
            return await respond(send, 400, {"error": error})
        if row.refused and not row.stream:
            return await respond(send, 400, BAD_GRAMMAR)
        if not row.stream:
            status, answer = (500, ROW_FAILURE) if row.fails else (200, row.answer())
            return await respond(send, status, answer)
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for payload in row.chunks():
            await send({"type": "http.response.body", "body": frame(payload), "more_body": True})
        await send({"type": "http.response.body", "body": frame(DONE), "more_body": False})


@cache
def _classes() -> Any:
    with warnings.catch_warnings():
        # Of torch's own making.
        warnings.simplefilter("ignore")
        from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
        from vllm.entrypoints.openai.completion.protocol import CompletionRequest
        from vllm.v1.structured_output.backend_xgrammar import validate_xgrammar_grammar

    return {CHAT: ChatCompletionRequest, COMPLETIONS: CompletionRequest}, validate_xgrammar_grammar


def _validated(path: str, body: dict[str, Any]) -> Any:
    """Return the request as vLLM reads it; Refused where vLLM answers 400."""
    classes, validate_grammar = _classes()
    try:
        request = classes[path].model_validate(body)
        # vLLM's rule, which it checks where it renders the prompt.
        if path == CHAT and not request.messages:
            raise ValueError("no messages")
        limits = (getattr(request, "max_completion_tokens", None), request.max_tokens)
        limit = next((given for given in limits if given is not None), None)
        params = request.to_sampling_params(MAX_MODEL_LEN - 3 if limit is None else limit, {})
    except Exception as error:
        errors = error.errors() if hasattr(error, "errors") else [{"loc": ()}]
        raise Refused("bad value", ".".join(str(part) for part in errors[0]["loc"]) or None) from None
    if request.n and request.n > 1 and params.temperature < 1e-5:
        raise Refused("n must be 1 with greedy sampling")
    request._params = params
    try:
        validate_grammar(params)
    except Exception:
        # vLLM comes to the grammar when it generates: a stream has begun by then.
        request._bad_grammar = True
    return request


class _Row:
    """One request that is answered: its tokens, and what each chunk says of them."""

    def __init__(self, path: str, body: dict[str, Any], request: Any, dead_end: bool) -> None:
        self.chat = path == CHAT
        self.stream = bool(request.stream)
        self._request = request
        self.refused = getattr(request, "_bad_grammar", False)
        self._choices = (request.n or 1) * self._prompts(body)
        xargs = body.get("vllm_xargs") or {}
        closed = xargs.get("lethe_automata") == "closed"
        # A grammar lets nothing but a phrase follow: at once, or after some words.
        grammar = request._params.structured_outputs is not None
        self.fails = grammar and (closed or ("lethe_automata" in xargs and dead_end))
        continued = (
            not self.chat
            and isinstance(body.get("prompt"), list)
            and ABORT_TOKEN in (request.stop_token_ids or ())
        )
        words = AFTER_ABORT if continued else WORDS
        limit = request._params.max_tokens or len(words)
        self._aborts = "lethe_rewind" in xargs and not continued and limit > 4
        self._tokens = () if closed else words[: 4 if self._aborts else limit]
        self._finish = "length" if len(self._tokens) == limit and not closed and limit < len(words) else "stop"
        self._usage_options = request.stream_options

    @staticmethod
    def _prompts(body: dict[str, Any]) -> int:
        prompt = body.get("prompt")
        many = isinstance(prompt, list) and not isinstance(prompt[0], int)
        return len(prompt) if isinstance(prompt, list) and many else 1

    def answer(self) -> dict[str, Any]:
        text = "".join(self._tokens)
        choices = []
        for index in range(self._choices):
            said = (
                {"message": {"role": "assistant", "content": text}} if self.chat else {"text": self._echo + text}
            )
            ends = {"finish_reason": self._finish, "stop_reason": None, "token_ids": None}
            choices.append({"index": index, **said, "logprobs": self._logprobs([*self._tokens, END]), **ends})
        usage = self._usage(len(self._tokens) + 1)
        return {**self._head("chat.completion"), "choices": choices, "usage": usage, "system_fingerprint": "fp"}

    async def chunks(self) -> AsyncIterator[bytes]:
        for payload in self._chunks():
            yield orjson.dumps(payload)

    def _chunks(self) -> Iterator[dict[str, Any]]:
        options = self._usage_options
        continuous = bool(options and options.include_usage and options.continuous_usage_stats)
        usage = bool(options and options.include_usage)
        if self.refused:
            yield BAD_GRAMMAR
            return
        head = self._head("chat.completion.chunk")
        ids = [7, 8, 9] if self._request.return_token_ids else None
        if self.chat:
            for index in range(self._choices):
                delta = {"role": "assistant", "content": ""}
                choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
                shown = {"prompt_token_ids": ids, "prompt_text": None}
                yield {**head, "choices": [choice], **shown, **({"usage": self._usage(0)} if continuous else {})}
        for place, token in enumerate([*self._tokens, ""]):
            if self.fails and place == min(2, len(self._tokens)):
                yield ROW_FAILURE
                return
            last = place == len(self._tokens)
            if last and self._finish == "length":
                break
            last = last or (self._finish == "length" and place == len(self._tokens) - 1)
            for index in range(self._choices):
                text = token if place or self.chat else self._echo + token
                chunk = {**head, "choices": [self._choice(index, text, place, last, ids)]}
                if last and not usage:
                    chunk["system_fingerprint"] = "fp"
                yield {**chunk, **({"usage": self._usage(place + 1)} if continuous else {})}
        if usage:
            total = self._usage(self._choices * len(self._tokens))
            yield {**head, "choices": [], "usage": total, "system_fingerprint": "fp"}

    def _choice(self, index: int, text: str, place: int, last: bool, ids: list[int] | None) -> dict[str, Any]:
        ends: dict[str, Any] = {"finish_reason": self._finish if last else None}
        if last or not self.chat:
            ends["stop_reason"] = ABORT_TOKEN if last and self._aborts else None
        tokens = [ABORT_TOKEN if last and self._aborts else _FIRST_ID + place] if ids else None
        said = {"delta": {"content": text}} if self.chat else {"text": text}
        own = {} if self.chat else {"prompt_token_ids": ids if place == 0 else None}
        logprobs = self._logprobs([text or END])
        return {"index": index, **said, "logprobs": logprobs, **ends, **own, "token_ids": tokens}

    def _logprobs(self, tokens: list[str]) -> dict[str, Any] | None:
        if self.chat:
            if not self._request.logprobs:
                return None
            top = self._request.top_logprobs or 0
            entries = [{"token": t, "logprob": -0.5, "bytes": list(t.encode())} for t in tokens]
            return {"content": [{**entry, "top_logprobs": [entry] * top} for entry in entries]}
        if self._request.logprobs is None:
            return None
        top_logprobs = [{t: -0.5} for t in tokens]
        numbers = {"text_offset": [0] * len(tokens), "token_logprobs": [-0.5] * len(tokens)}
        return {**numbers, "tokens": tokens, "top_logprobs": top_logprobs}

    @property
    def _echo(self) -> str:
        return QUESTION if getattr(self._request, "echo", False) else ""

    def _head(self, kind: str) -> dict[str, Any]:
        name = "chatcmpl-1" if self.chat else "cmpl-1"
        return {"id": name, "object": kind if self.chat else "text_completion", "created": 1, "model": "m"}

    def _usage(self, completion: int) -> dict[str, int]:
        return {"prompt_tokens": 3, "total_tokens": 3 + completion, "completion_tokens": completion}
