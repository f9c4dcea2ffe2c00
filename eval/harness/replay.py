"""A replay: runs a benchmark's tasks under every method, and on the retain model, into a store."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eval.benchmarks.benchmark import AnyBenchmark
from eval.core.errors import BadRun
from eval.core.runner import Runner
from eval.core.task import Task
from eval.harness.options import RETAIN, Options, RunWith
from eval.harness.session import Progress, Session
from eval.harness.store import Store
from eval.methods.detector_gate import Gate, open_gate
from eval.methods.method import DIFFERENCES, NO_LIKELIHOOD, MethodName, Unprotected, method
from guard.targets.target import Draft
from serving.engine.embedded import check_model


def replay(benchmark: AnyBenchmark, options: Options, tasks: Sequence[Task[Any]], progress: Progress) -> Store:
    """Run every task under every method; returns the store, closed, with all samples in memory."""
    drafts = benchmark.drafts(options.data)
    if options.run_with is RunWith.ENDPOINT:
        return _replay_endpoint(benchmark, options, drafts, tasks, progress)
    options.logit_difference.check(options.methods)
    if options.run_with is not RunWith.REFERENCE and DIFFERENCES & set(options.methods):
        raise BadRun("methods of logit difference are replayed with the reference alone")
    for model in (options.model, options.retain_model or options.model):
        check_model(model)
    with _gate(drafts) as gate:
        methods = {name: method(name, gate) for name in options.methods}
        store = Store(options.out, options.config(benchmark.name, benchmark.split, _policy_digest(gate)))
        try:
            session = Session(store, progress)
            with _runner(options, options.model, gate) as runner:
                for name, applied in methods.items():
                    session.run(name.value, applied, runner, _runnable(tasks, runner), MethodName.NONE.value)
            if options.retain_model:
                with _runner(options, options.retain_model, gate) as runner:
                    session.run(RETAIN, Unprotected(), runner, _runnable(tasks, runner))
        finally:
            store.close()
    return store


def _runnable(tasks: Sequence[Task[Any]], runner: Runner) -> list[Task[Any]]:
    return [task for task in tasks if task.max_tokens or not runner.no_likelihood]


@contextmanager
def _gate(drafts: Sequence[Draft]) -> Iterator[Gate]:
    from guard.detection.embedder import SentenceEmbedder

    with (
        tempfile.TemporaryDirectory(prefix="lethe-eval-") as folder,
        open_gate(drafts, SentenceEmbedder(), Path(folder)) as gate,
    ):
        yield gate


def _policy_digest(gate: Gate) -> str:
    return hashlib.sha256("\0".join((gate.embedder, *gate.digests)).encode()).hexdigest()


@contextmanager
def _runner(options: Options, model: str, gate: Gate) -> Iterator[Runner]:
    if options.run_with is RunWith.ENGINE:
        from eval.runners.engine import open_engine

        with open_engine(model, gate.folder, str(gate.policy.version), options.dtype, options.seed) as engine:
            yield engine
    else:
        yield _reference(options, model, gate)


def _reference(options: Options, model: str, gate: Gate) -> Runner:
    import torch

    from eval.runners.logit_difference import differences
    from eval.runners.logit_rules import Mask, Rule
    from eval.runners.prompt_encoder import PromptEncoder, load_tokenizer
    from eval.runners.reference import Reference
    from guard.decoding.vocabulary import Vocabulary

    torch.manual_seed(options.seed)
    tokenizer = load_tokenizer(model)
    rules: list[Rule] = []
    if model == options.model:
        rules += differences(options.methods, options.logit_difference, model, tokenizer, options.device)
    # What is masked stays masked: the difference is taken before, as in the engine.
    rules.append(Mask(gate.folder, Vocabulary.from_tokenizer(tokenizer)))
    return Reference(model, PromptEncoder(tokenizer), rules, options.dtype, options.device)


def _replay_endpoint(
    benchmark: AnyBenchmark,
    options: Options,
    drafts: Sequence[Draft],
    tasks: Sequence[Task[Any]],
    progress: Progress,
) -> Store:
    from eval.runners.endpoint import Endpoint, check_stored, forgetting

    if options.retain_model:
        raise BadRun("an endpoint serves one model: run the retain model's endpoint into a folder of its own")
    check_stored(options.methods)
    endpoint = Endpoint.open(options.endpoint, options.model, options.score_url)
    config: dict[str, Any] = options.config(benchmark.name, benchmark.split, "the endpoint's own")
    config |= {"endpoint": options.endpoint, "model": endpoint.model, "scored": bool(options.score_url)}
    store = Store(options.out, config)
    try:
        session = Session(store, progress)
        for name in options.methods:
            with forgetting(drafts, name):
                asked = Unprotected("server", NO_LIKELIHOOD[name])
                session.run(name.value, asked, endpoint, _runnable(tasks, endpoint))
    finally:
        store.close()
        endpoint.close()
    return store
