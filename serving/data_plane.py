"""The data plane: OpenAI's routes in front of the guarded engine.

The life of a request: check the route and the API key, parse the body and refuse denied fields, detect targets,
plan, let the engine answer under the plan, and run the output guard over every surface of the answer.
"""

from __future__ import annotations

import hashlib
import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

from pydantic import SecretStr

from guard.errors import EngineUnavailable, LetheError
from guard.policy.canary.share import conversation_of
from guard.registry.keys.keyring import Keyring
from guard.targets.policy_set import set_id
from serving.access.clients import ClientOf, Clients
from serving.answers.agents import Agents
from serving.engine.context_length import check_context_length
from serving.engine.models import answer_models
from serving.engine.supervisor import Engines
from serving.engine.tokenizer import detokenize
from serving.http.access_timing import CLIENT_CLOSED_REQUEST, AccessTiming
from serving.http.asgi import (
    App,
    BodyTooLarge,
    ClientGone,
    Headers,
    Receive,
    Scope,
    Send,
    lifespan,
    off_loop,
    respond,
    while_connected,
)
from serving.http.headers import header_of, request_id_of
from serving.keys import listed
from serving.planner import Planner
from serving.preparation import Preparation, Unread
from serving.protocol import errors
from serving.protocol.allowed_values import allow_values
from serving.protocol.dialects.dialect import HostedTools
from serving.protocol.dialects.table import DIALECTS, dialect_of
from serving.protocol.dialects.translated import Translated
from serving.protocol.fields import Unknown
from serving.protocol.request import GenerationRequest, parse, read_json, read_request
from serving.routes import MODELS, ONE_MODEL, ROUTES, TOKENS, model_of, plain_path, route_of
from serving.settings import Settings
from serving.telemetry.logs import PROBES, log_access
from serving.telemetry.metrics import FailClosed, Metrics
from serving.telemetry.recorder import Recorder
from serving.telemetry.traced_engine import traced
from serving.telemetry.tracing import TRACEPARENT, Tracer, note_status, span, traced_request
from serving.tokens import answer_tokens
from serving.watch.answering import Answering
from serving.watch.context import Client, RequestContext
from serving.watch.early_call import EarlyCall, Overlap
from serving.watch.natural import DeclineStyle
from serving.watch.read_by_model import as_read

log = logging.getLogger("lethe.access")

MAX_SALT_CHARS = 64
"""Of a client's own `cache_salt` beside that of its policy set; of a longer one the digest stands there."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of the data plane: what it accepts, and the text of a declined answer."""

    api_keys: Sequence[SecretStr]
    max_body_bytes: int
    decline_text: str
    version: str
    unknown_fields: Unknown = "drop"
    unread_media: Unread = "refuse"
    hosted_tools: HostedTools = "skip"
    decline_style: DeclineStyle = "fixed"
    overlap_detection: bool = True


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings of a server say."""
    return Limits(
        listed(settings.api_keys),
        settings.max_body_bytes,
        settings.decline_text,
        version("lethe"),
        settings.unknown_fields,
        settings.unread_media,
        settings.hosted_tools,
        settings.decline_style,
        settings.overlap_detection,
    )


class DataPlane:
    """The ASGI application of the data plane. Any route not in ROUTES is answered with 404."""

    def __init__(
        self,
        engines: Engines,
        planner: Planner,
        limits: Limits,
        agents: Agents | None = None,
        recorder: Recorder | None = None,
        tracer: Tracer | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        """`keyring` has the keys that are accepted besides the configured ones."""
        self.clients = Clients(limits.api_keys, keyring)
        self._engines = engines
        self._planner = planner
        self._tracer = tracer
        self._limits = limits
        self._recorder = recorder or Recorder(Metrics())
        natural = limits.decline_style == "natural"
        self._answering = Answering(planner, self._recorder, agents, limits.decline_text, natural=natural)
        self.metrics = self._recorder.metrics
        # Where it must not show who was forgotten, a question that names nobody begins no sooner than another.
        self._overlap = Overlap(limits.overlap_detection and not natural, self.metrics)
        self._preparation = Preparation(planner.enforces_contextual, limits.unread_media)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._trace({**scope, "path": plain_path(scope["path"])}, receive, send)

    async def _trace(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = route_of(scope["path"]) or "other"
        tracer = None if route in PROBES else self._tracer
        with traced_request(tracer, scope["method"], route, header_of(scope, TRACEPARENT).decode("latin-1")):
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_id_of(scope)
        headers: Headers = [(b"x-request-id", request_id.encode())]
        timing = AccessTiming(send)
        try:
            await self._route(scope, receive, timing.send, headers)
            if not timing.has_begun:
                # Whoever answers says nothing to a client that has left.
                raise ClientGone
        except ClientGone:
            timing.status = CLIENT_CLOSED_REQUEST
        except BodyTooLarge:
            await _refuse(timing.send, scope, errors.error_response(413, *errors.STATUS_ERRORS[413]), headers)
        except LetheError as caught:
            if caught.status >= 500:
                self.metrics.count_fail_closed(FailClosed.NOT_READY)
            await _refuse(timing.send, scope, errors.from_lethe_error(caught), headers)
        except Exception as error:
            # Its message and traceback may quote the request.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("%s %s at %s:%s", request_id, type(error).__name__, place.filename, place.lineno)
            fault = LetheError("A fault of this server; its log says where.")
            if timing.has_begun:
                # The server then closes the connection, which no client takes for an end.
                raise fault from None
            await _refuse(timing.send, scope, errors.from_lethe_error(fault), headers)
        finally:
            route = route_of(scope["path"]) or "other"
            seconds = timing.elapsed_s
            note_status(timing.status)
            self.metrics.count_response(route, timing.status, seconds)
            if timing.first_byte_s is not None:
                self.metrics.observe_first_byte(route, timing.first_byte_s)
            log_access(request_id, scope["method"], route, timing.status, seconds)

    async def _route(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        path, method = scope["path"], scope["method"]
        route = route_of(path)
        client = self.clients.client(scope["headers"], counts=route is not None and method == "POST")
        if route is None:
            error = errors.error_response(404, "unknown_route", "This route is not served.")
        elif method != ROUTES[route]:
            headers = [*headers, (b"allow", ROUTES[route].encode())]
            error = errors.error_response(405, "method_not_allowed", "This route does not answer that method.")
        elif client is None and (method == "POST" or route.startswith("/v1/")):
            error = errors.error_response(401, "invalid_api_key", "A valid API key is required.")
        elif client is not None and client.retry_after_s:
            headers = [*headers, (b"retry-after", str(client.retry_after_s).encode())]
            error = errors.error_response(429, "rate_limit_exceeded", "This key has made too many requests.")
        elif route in TOKENS:
            return await self._answer_tokens(scope, receive, send, headers)
        elif method == "POST" and client is not None:
            with self.metrics.in_flight():
                return await self._generate(scope, receive, send, headers, client)
        else:
            return await self._answer_get(path, send, headers, client.models if client else ())
        await _refuse(send, scope, error, headers)

    async def _answer_get(self, path: str, send: Send, headers: Headers, models: Sequence[str]) -> None:
        if route_of(path) in (MODELS, ONE_MODEL):
            return await answer_models(self._engine(), model_of(path), send, headers, models)
        if path == "/version":
            return await respond(send, 200, {"version": self._limits.version}, headers)
        unready = "" if path == "/livez" else self.unready()
        state = {"status": "unready", "reason": unready} if unready else {"status": "ok"}
        await respond(send, 503 if unready else 200, state, headers)

    def unready(self) -> str:
        """Return why no request may be answered now, or an empty string if the server is ready."""
        return self._engines.reason or self._planner.unready()

    def _engine(self) -> App:
        reason = self.unready()
        app = self._engines.app
        if reason or app is None:
            raise EngineUnavailable(f"The server is not ready: {reason}.")
        return traced(app)

    async def _answer_tokens(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        raw = await read_json(scope, receive, self._limits.max_body_bytes)
        limits = self._limits
        read = partial(read_request, unknown=limits.unknown_fields, hosted_tools=limits.hosted_tools)
        answer = await answer_tokens(self._engine(), scope["path"], raw, self._preparation, read)
        if answer.status == 200:
            return await respond(send, 200, answer.body, headers)
        await _refuse(send, scope, answer, headers)

    async def _generate(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, client: ClientOf
    ) -> None:
        raw = await read_json(scope, receive, self._limits.max_body_bytes)
        limits = self._limits
        request = await off_loop(len(raw), parse, scope["path"], raw, limits.unknown_fields, limits.hosted_tools)
        if dialect := DIALECTS.get(scope["path"]):
            send = Translated(send, dialect, request.original, headers[0][1].decode()).send
        engine, planner = self._engine(), self._planner
        if client.models and request.body.get("model") not in client.models:
            return await _refuse(send, scope, errors.error_response(404, *errors.STATUS_ERRORS[404]), headers)
        if client.tags:
            planner, request = planner.under(client.tags), _salted(request, client)
        # By what the client sent: what the served model takes of it may be other words.
        planner = planner.in_conversation(conversation_of(request.turns(()), client.key_id))
        request = await self._preparation.prepare(engine, scope["path"], request, planner.enforces_contextual)
        if planner.detects:
            await check_context_length(engine, request, len(raw))
        prompts = request.prompts.texts or await detokenize(engine, request.prompts.rows)
        if prompts:
            planner = planner.in_conversation(conversation_of(request.turns(prompts), client.key_id))
        async with EarlyCall(engine, request, headers[0][1].decode(), self._overlap) as call:
            with self.metrics.time_stage("detection"), span("judge"):
                conversation = await off_loop(len(raw), request.conversation, prompts)
                planned = await while_connected(receive, planner.plan(conversation, call.begin))
                if planned.plan.supplied:
                    read = await as_read(engine, request, conversation)
                    if read != conversation:
                        planned = await while_connected(receive, planner.plan(read))
            call.judged(planned)
            request = allow_values(request, planned.automata)
            abort_token = self._engines.abort_token
            context = RequestContext(request, prompts, request.seeds(prompts), headers, call, abort_token)
            self._recorder.record_plan(context.id, planned)
            await self._answering.answer(Client(receive, send), context, planned)


def _salted(request: GenerationRequest, client: ClientOf) -> GenerationRequest:
    """Return the request with a salt of the client's policy set: how long an answer takes tells nothing of what
    clients with another one have asked."""
    own = request.body.get("cache_salt") or ""
    if len(own) > MAX_SALT_CHARS:
        # Together they would be longer than an engine takes.
        own = hashlib.sha256(own.encode()).hexdigest()
    return replace(request, body={**request.body, "cache_salt": f"{set_id(client.tags)}{own}"})


async def _refuse(send: Send, scope: Scope, error: errors.ErrorResponse, headers: Headers) -> None:
    if dialect := dialect_of(scope["path"]):
        error = dialect.failure(error, headers[0][1].decode())
    await respond(send, error.status, error.body, headers)
