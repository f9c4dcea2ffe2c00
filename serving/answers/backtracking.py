"""Backtracking on a served engine: an answer that ran into a phrase continues from before the word it began with.

The worker aborts such a row by a token that is among the request's `stop_token_ids`. The answer continues as a
completion of the same token ids up to that word, which must not begin as it did; the engine has those ids in
its prefix cache. The client receives one answer, from which nothing is taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from agents.chat import Usage
from guard.decoding.backtracking import AbortToken, Backtracker, Piece, Restart, split_piece
from guard.decoding.request_args import Backtracking
from guard.matching.automaton import Automaton
from guard.policy.plan import PlanKind
from guard.targets.target import Decoder, Mode
from serving.answers.beam import LIMITS
from serving.answers.writers import STREAM_FAILED, STREAM_HEADERS, AnswerWriter, Finish, JsonWriter, StreamWriter
from serving.http import asgi_client
from serving.http.asgi import App, Message, Receive, Scope, Send, read_body, replay
from serving.http.asgi_client import Response, json_scope
from serving.http.sse import DONE, Splitter, is_stream
from serving.planner import PlannedRequest
from serving.protocol.refused_fields import CHAT, COMPLETIONS
from serving.protocol.request import GenerationRequest
from serving.protocol.surfaces import text_holder

# vLLM's default for a completion. A chat without a limit may fill the context.
_DEFAULT_MAX_TOKENS = 16
# Members of a body that apply to every token alike, so that they are repeated in a continuation.
_REPEATED = frozenset(
    {
        *("model", "temperature", "top_p", "top_k", "min_p", "seed", "priority", "cache_salt"),
        *("skip_special_tokens", "spaces_between_special_tokens"),
    }
)
# Members that a continuation replaces.
_REPLACED = frozenset({"messages", "prompt", "stream", "stream_options", "n", *LIMITS})
# Of a body that the data plane has already limited.
_MAX_BODY_BYTES = 2**31


def should_backtrack(request: GenerationRequest, planned: PlannedRequest, seeds: Sequence[str]) -> bool:
    """Return whether this answer may backtrack: one choice of plain text, in a conversation that touches a target.

    A request with any other option is answered under the token mask alone.
    """
    plan = planned.plan
    enforced = any(match.mode is Mode.ENFORCE for match in plan.matches)
    if plan.kind is not PlanKind.RESTRICT or plan.decoder is not Decoder.SAMPLE or not enforced:
        return False
    if not plan.automata:
        # A target of classes of values alone: its answers end before one, the model is not turned away.
        return False
    return is_plain(request, seeds)


def is_plain(request: GenerationRequest, seeds: Sequence[str]) -> bool:
    """Return whether the answer is one choice of plain text, with no option beyond sampling and limits."""
    body = request.body
    if request.choices_per_prompt != 1 or len(seeds) != 1 or request.logprobs:
        return False
    options = body.get("stream_options")
    if isinstance(options, dict) and options.get("continuous_usage_stats"):
        return False
    return all(name in _REPEATED or name in _REPLACED or not value for name, value in body.items())


@dataclass(frozen=True, slots=True)
class Begun:
    """The beginning of a streamed answer that goes on: the ids of its prompt, and those of its words.

    The words are `said` and `unsent`, of which the latter is still to be written, without blanks at their end, as
    the next word brings them along. `chunk` is one of the stream, for what all of them have in common.
    """

    prompt: Sequence[int]
    tokens: Sequence[int]
    said: str = field(repr=False)
    unsent: str = field(repr=False)
    chunk: dict[str, Any] = field(repr=False)

    @property
    def text(self) -> str:
        """What the tokens say."""
        return (self.said + self.unsent).rstrip()


class BacktrackingApplication:
    """An ASGI application: one answer of `engine`, which backtracks wherever its row aborts.

    begun      what was said of the answer before, which is not written again
    may_abort  whether the row may abort at all
    restarts   how often it has backtracked so far
    """

    def __init__(
        self,
        engine: App,
        request: GenerationRequest,
        automata: Sequence[Automaton],
        seed: str,
        abort_token: AbortToken,
        begun: Begun | None = None,
        *,
        may_abort: bool = True,
    ) -> None:
        self._engine = engine
        self._request = request
        self._backtracker = Backtracker(automata, seed)
        if begun is not None:
            self._backtracker.begin(begun.tokens, begun.text)
        self._begun = begun
        self._may_abort = may_abort
        self._abort_token = abort_token
        self.restarts = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        engine_body = orjson.loads(await read_body(receive, _MAX_BODY_BYTES))
        request_id = next((v.decode() for k, v in scope["headers"] if k == b"x-request-id"), "")
        writer = self._make_writer(send, request_id)
        answer = _Answer(writer, self._backtracker, self._abort_token)
        repeated = {name: engine_body[name] for name in _REPEATED if name in engine_body}
        restart = Restart(self._backtracker.tokens, (), may_abort=self._may_abort)
        path, body = scope["path"], engine_body
        if self._begun is not None:
            answer.resume(self._begun)
            await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
            if unsent := self._begun.text[len(self._begun.said) :]:
                await writer.write(unsent, None)
            path, request_id = COMPLETIONS, ""
            max_tokens = await self._remaining_tokens(answer.prompt, restart)
            body = {**repeated, "prompt": [*answer.prompt, *restart.tokens], "max_tokens": max_tokens}
        while True:
            usage = {"include_usage": True} if writer.wants_usage else None
            raw = orjson.dumps({**body, **self._call_options(engine_body, restart, usage)})
            call = _EngineCall(answer, path, may_abort=restart.may_abort)
            await self._engine(json_scope(path, len(raw), request_id), replay(raw, receive), call.send)
            if call.failure is not None:
                return await writer.fail(call.failure)
            if not call.aborted:
                return await writer.end(
                    Usage(len(answer.prompt), len(answer.backtracker.tokens)), call.usage_chunk
                )
            restart = answer.backtracker.backtrack()
            self.restarts += 1
            path, request_id = COMPLETIONS, ""
            max_tokens = await self._remaining_tokens(answer.prompt, restart)
            body = {**repeated, "prompt": [*answer.prompt, *restart.tokens], "max_tokens": max_tokens}

    def _make_writer(self, send: Send, request_id: str) -> AnswerWriter:
        if self._request.stream:
            return StreamWriter(send, self._request, self._begun)
        return JsonWriter(send, self._request, request_id)

    def _call_options(self, engine_body: Mapping[str, Any], restart: Restart, usage: object) -> dict[str, Any]:
        options: dict[str, Any] = {"stream": True, "stream_options": usage, "return_token_ids": True}
        if not restart.may_abort:
            return options | {"vllm_xargs": engine_body["vllm_xargs"]}
        backtracking = Backtracking(self._abort_token.token, restart.avoided, restart.barred)
        xargs = engine_body["vllm_xargs"] | backtracking.dump()
        return options | {"stop_token_ids": [self._abort_token.token], "vllm_xargs": xargs}

    async def _remaining_tokens(self, prompt: Sequence[int], restart: Restart) -> int:
        body = self._request.body
        limit = next((body[name] for name in LIMITS if body.get(name) is not None), None)
        if limit is None and self._request.route == CHAT:
            models = (await asgi_client.request(self._engine, "GET", "/v1/models")).json()
            limit = int(models["data"][0]["max_model_len"]) - len(prompt)
        return max(1, (_DEFAULT_MAX_TOKENS if limit is None else limit) - len(restart.tokens))


@dataclass(slots=True)
class _Answer:
    """The state of an answer that its engine calls share; `prompt` holds the ids that the first one reports."""

    writer: AnswerWriter
    backtracker: Backtracker
    abort_token: AbortToken
    prompt: Sequence[int] = ()
    started: bool = field(default=False, init=False)
    # Of a last chunk without text, as this engine's chat route has it; a continuation is a completion.
    empty_delta: dict[str, Any] = field(default_factory=dict, init=False)

    def resume(self, begun: Begun) -> None:
        """Go on with what was said before: the stream has begun, and the prompt's ids are known."""
        self.prompt, self.started, self.empty_delta = begun.prompt, True, {"content": ""}


class _EngineCall:
    """A `send` for one call of the engine: feeds its pieces to the backtracker and writes what it releases.

    aborted      whether the row aborted, which it may only do with `may_abort`
    failure      the engine's error, if it failed
    usage_chunk  the chunk after the choice's last one, {} if there was none
    """

    def __init__(self, answer: _Answer, path: str, *, may_abort: bool) -> None:
        self.aborted = False
        self.failure: Response | None = None
        self.usage_chunk: dict[str, Any] = {}
        self._answer = answer
        self._path = path
        self._may_abort = may_abort
        self._status = 0
        self._streaming = False
        self._splitter = Splitter()
        self._body = b""

    async def send(self, message: Message) -> None:
        """Take one ASGI message of the engine."""
        if message["type"] == "http.response.start":
            self._status, self._streaming = message["status"], is_stream(message)
        elif self._streaming:
            for payload in self._splitter.feed(message.get("body", b"")):
                await self._take_event(payload)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self.failure = Response(self._status, self._body)

    async def _take_event(self, payload: bytes) -> None:
        if payload == DONE:
            return
        if payload.startswith(b'{"error"'):
            self.failure = Response(STREAM_FAILED, payload)
            return
        chunk = orjson.loads(payload)
        if not chunk["choices"]:
            self.usage_chunk = chunk
            return
        if not self._answer.started:
            # A chat's prompt ids are a member of the chunk, a completion's of the choice.
            holder = chunk if chunk.get("prompt_token_ids") else chunk["choices"][0]
            self._answer.prompt, holder["prompt_token_ids"] = holder["prompt_token_ids"], None
            await self._answer.writer.begin(chunk)
            self._answer.started = True
        await self._take_choice(chunk, chunk["choices"][0])

    async def _take_choice(self, chunk: dict[str, Any], choice: dict[str, Any]) -> None:
        backtracker, abort_token, writer = self._answer.backtracker, self._answer.abort_token, self._answer.writer
        tokens = choice.get("token_ids") or []
        self.aborted = self._may_abort and choice.get("stop_reason") == abort_token.token
        text = choice["text"] if self._path == COMPLETIONS else text_holder(choice).get("content") or ""
        piece = Piece(tokens[:-1] if self.aborted else tokens, text)
        if self._path == CHAT and not text and choice.get("finish_reason") is not None:
            self._answer.empty_delta = text_holder(choice)
        # Most chunks hold one token, and copying a long prompt for each would cost.
        pieces = [piece]
        if len(piece.tokens) > 1:
            pieces = split_piece(abort_token, [*self._answer.prompt, *backtracker.tokens], piece)
        released = "".join(backtracker.feed(*each) for each in pieces)
        finish_reason = None if self.aborted else choice.get("finish_reason")
        if finish_reason is not None:
            released += backtracker.finish()
        if released and (finish_reason is None or not text):
            # An engine's last chunk without text stays one: the released text goes before it.
            await writer.write(released, None)
            released = ""
        if finish_reason is not None:
            ending = Finish(finish_reason, choice.get("stop_reason"), chunk, self._answer.empty_delta)
            await writer.write(released, ending)
