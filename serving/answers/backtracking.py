"""Rewinding over a served engine: an answer that headed into a phrase goes on from before the word it began with.

The worker gives such a row up by a token that is one of the request's `stop_token_ids`. The answer is then
continued by a completion of the same ids less those of that word, which may not begin as the word did; what the
engine has read of them is in its prefix cache. A client sees one answer, of which nothing was taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from agents.chat import Usage
from guard.decoding.backtracking import AbortToken, Backtracker, Piece, Restart, split_piece
from guard.decoding.request_args import Backtracking
from guard.matching.automaton import Automaton
from guard.policy.plan import PlanKind
from guard.targets.target import Decoder, Mode
from serving.answers.beam import LIMITS
from serving.answers.writers import AnswerWriter, Finish, JsonWriter, StreamWriter
from serving.http import asgi_client
from serving.http.asgi import App, Message, Receive, Scope, Send, read_body, replay
from serving.http.asgi_client import Response, json_scope
from serving.http.sse import DONE, Splitter, is_stream
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest
from serving.protocol.surfaces import text_holder

# vLLM's own for a completion that sets none; a chat may go on to the end of the context.
_MOST = 16
# Members of a body that hold for every token of an answer alike, wherever it is begun anew.
_SHARED = frozenset(
    {
        *("model", "temperature", "top_p", "top_k", "min_p", "seed", "user", "priority", "cache_salt"),
        *("skip_special_tokens", "spaces_between_special_tokens"),
    }
)
_READ = frozenset({"messages", "prompt", "stream", "stream_options", "n", *LIMITS})
_LARGEST = 2**31


def rewinds(request: GenerationRequest, planned: PlannedRequest, seeds: Sequence[str]) -> bool:
    """Whether this answer may be begun anew: one choice, of text alone, to a conversation that touches a target.

    A request with any other wish is answered under the same mask, which then decides alone.
    """
    plan, body = planned.plan, request.body
    enforced = any(match.mode is Mode.ENFORCE for match in plan.matches)
    if plan.kind is not PlanKind.RESTRICT or plan.decoder is not Decoder.SAMPLE or not enforced:
        return False
    if request.choices_per_prompt != 1 or len(seeds) != 1 or request.logprobs:
        return False
    options = body.get("stream_options")
    if isinstance(options, dict) and options.get("continuous_usage_stats"):
        return False
    return all(name in _SHARED or name in _READ or not value for name, value in body.items())


class Rewinding:
    """An application: one answer of `engine`, begun anew wherever a row gave itself up by the abort token."""

    def __init__(
        self,
        engine: App,
        request: GenerationRequest,
        automata: Sequence[Automaton],
        seed: str,
        abort_token: AbortToken,
    ) -> None:
        self._engine = engine
        self._request = request
        self._backtracker = Backtracker(automata, seed)
        self._abort_token = abort_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        engine_body = orjson.loads(await read_body(receive, _LARGEST))
        request_id = next((v.decode() for k, v in scope["headers"] if k == b"x-request-id"), "")
        client: StreamWriter | JsonWriter = (
            StreamWriter(send, self._request)
            if self._request.stream
            else JsonWriter(send, self._request, request_id)
        )
        usage = {"include_usage": True} if client.wants_usage else None
        path, body = (
            scope["path"],
            {**engine_body, **self._asking(engine_body, Restart((), (), may_abort=True), usage)},
        )
        part = _Part(client, self._backtracker, self._abort_token, path)
        while True:
            raw = orjson.dumps(body)
            await self._engine(json_scope(path, len(raw), request_id), replay(raw, receive), part.send)
            if part.failure is not None:
                return await client.fail(part.failure)
            if not part.given_up:
                return await client.end(Usage(len(part.prompt), len(self._backtracker.tokens)), part.closing)
            restart = self._backtracker.backtrack()
            shared = {name: engine_body[name] for name in _SHARED if name in engine_body}
            rest = {
                "prompt": [*part.prompt, *restart.tokens],
                "max_tokens": await self._left(part.prompt, restart),
            }
            path, request_id = COMPLETIONS, ""
            body = {**shared, **rest, **self._asking(engine_body, restart, usage)}
            part = part.following(path, rewind=restart.may_abort)

    def _asking(self, engine_body: Mapping[str, Any], restart: Restart, usage: object) -> dict[str, Any]:
        asked: dict[str, Any] = {"stream": True, "stream_options": usage, "return_token_ids": True}
        if not restart.may_abort:
            return asked | {"vllm_xargs": engine_body["vllm_xargs"]}
        xargs = engine_body["vllm_xargs"] | Backtracking(self._abort_token.token, restart.avoided).dump()
        return asked | {"stop_token_ids": [self._abort_token.token], "vllm_xargs": xargs}

    async def _left(self, prompt: Sequence[int], restart: Restart) -> int:
        body = self._request.body
        most = next((body[name] for name in LIMITS if body.get(name) is not None), None)
        if most is None and self._request.route == CHAT:
            models = (await asgi_client.request(self._engine, "GET", "/v1/models")).json()
            most = int(models["data"][0]["max_model_len"]) - len(prompt)
        return (_MOST if most is None else most) - len(restart.tokens)


class _Part:
    """A `send` for one call of the engine: its pieces go to the answer, and what may leave of it to the client."""

    def __init__(
        self,
        client: AnswerWriter,
        backtracker: Backtracker,
        abort_token: AbortToken,
        path: str,
        prompt: Sequence[int] = (),
        *,
        first: bool = True,
        rewind: bool = True,
    ) -> None:
        self.given_up = False
        self.failure: Response | None = None
        # The engine's chunk after the last of a choice.
        self.closing: dict[str, Any] = {}
        self.prompt = prompt
        self._client = client
        self._backtracker = backtracker
        self._abort_token = abort_token
        self._rewind = rewind
        self._path = path
        self._first = first
        self._status = 0
        self._streaming = False
        self._splitter = Splitter()
        self._body = b""

    def following(self, path: str, *, rewind: bool) -> _Part:
        """Return what takes the next part of the same answer; `rewind`: whether it may be given up."""
        return _Part(
            self._client, self._backtracker, self._abort_token, path, self.prompt, first=False, rewind=rewind
        )

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the engine."""
        if message["type"] == "http.response.start":
            self._status, self._streaming = message["status"], is_stream(message)
        elif self._streaming:
            for payload in self._splitter.feed(message.get("body", b"")):
                await self._event(payload)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self.failure = Response(self._status, self._body)

    async def _event(self, payload: bytes) -> None:
        if payload == DONE:
            return
        if payload.startswith(b'{"error"'):
            self.failure = Response(500, payload)
            return
        chunk = orjson.loads(payload)
        if not chunk["choices"]:
            self.closing = chunk
            return
        if self._first:
            # A chat's are a member of the chunk.
            holder = chunk if chunk.get("prompt_token_ids") else chunk["choices"][0]
            self.prompt, holder["prompt_token_ids"] = holder["prompt_token_ids"], None
            await self._client.begin(chunk)
            self._first = False
        await self._piece(chunk, chunk["choices"][0])

    async def _piece(self, chunk: dict[str, Any], choice: dict[str, Any]) -> None:
        tokens = choice.get("token_ids") or []
        self.given_up = self._rewind and choice.get("stop_reason") == self._abort_token.token
        text = choice["text"] if self._path == COMPLETIONS else text_holder(choice).get("content") or ""
        whole = Piece(tokens[:-1] if self.given_up else tokens, text)
        # Most chunks are one token, and a prompt can be long.
        pieces = [whole]
        if len(whole.tokens) > 1:
            pieces = split_piece(self._abort_token, [*self.prompt, *self._backtracker.tokens], whole)
        released = "".join(self._backtracker.feed(*piece) for piece in pieces)
        finish = None if self.given_up else choice.get("finish_reason")
        if finish is not None:
            released += self._backtracker.finish()
        if released and (finish is None or not text):
            # The end comes by itself where the engine sent it so.
            await self._client.write(released, None)
            released = ""
        if finish is not None:
            await self._client.write(released, Finish(finish, choice.get("stop_reason"), chunk))
