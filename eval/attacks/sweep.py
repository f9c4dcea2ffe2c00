"""The attack sweep: every attack under every method, and which requests the detector caught."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from agents.audit import PolicyAudit
from eval.attacks.catalogue import STREAM
from eval.attacks.clients import (
    PreEmbeddingRunner,
    StreamClient,
    StreamMethod,
    TopTokensClient,
    TopTokensMethod,
)
from eval.attacks.leak_scorer import LeakScorer
from eval.attacks.tasks import AttackItem, draw_task, logprob_task, text_tasks
from eval.attacks.tofu import load_probes
from eval.benchmarks.files import load_questions, need
from eval.benchmarks.targets import authors
from eval.benchmarks.tofu import ForgetSplit
from eval.core.prompt import conversation
from eval.core.runner import Runner
from eval.core.sample import Key, Sample
from eval.core.task import Task
from eval.harness.options import Options, RunWith
from eval.harness.session import Progress, Session
from eval.harness.store import Store
from eval.methods.detector_gate import Gate, open_gate
from eval.methods.method import Guard, Method, MethodName, Unprotected, method
from guard.detection.embedder import Embedder
from guard.targets.target import Draft, Scope
from guard.text.conversation import windows

DETECTOR: Final = "detector"
"""The run that holds for each request whether the detector matched its target (CAUGHT)."""
CAUGHT: Final = "caught"
ALWAYS: Final = "guard, scope always"
"""The run of `guard` with the targets in scope `always`."""

# Answers are short and many: an engine's step costs little more for four times the rows.
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class AttackSweep:
    """The tasks: attacks whose outcome is a text, the one read as a stream, log-probabilities, and draws."""

    texts: Sequence[Task[AttackItem]]
    stream: Task[AttackItem]
    logprobs: Task[AttackItem]
    draws: Task[AttackItem] | None

    @property
    def attacks(self) -> list[Task[AttackItem]]:
        """Return all tasks but the draws."""
        return [*self.texts, self.stream, self.logprobs]

    @property
    def digest(self) -> str:
        """Return the SHA-256 of every request, so that a result folder never mixes different attacks."""
        prompts = (item.prompt for task in self.attacks for item in task.items)
        texts = (
            text
            for prompt in prompts
            for text in (*(turn.text for turn in prompt.before), prompt.text, prompt.prefill)
        )
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()


class Swept(NamedTuple):
    """The samples of a sweep: its store, closed, and the runs and tasks that they belong to."""

    store: Store
    runs: Sequence[str]
    attacks: Sequence[Task[AttackItem]]
    draws: Task[AttackItem] | None


class AttackRunners(NamedTuple):
    """The runner of each kind of task."""

    texts: Runner
    stream: Runner
    logprobs: Runner
    draws: Runner


class ScopeGates(NamedTuple):
    """The gates of the targets, and of the same targets with scope `always`; they share a folder of automata."""

    contextual: Gate
    always: Gate
    embedder: Embedder


def run_attacks(options: Options, split: ForgetSplit, each: int, draws: int, progress: Progress) -> Swept:
    """Attack `each` questions of every author of a TOFU split; the authors are the forget targets.

    draws  number of answers to draw, to one question of each author, for leak@k; 0 for none
    """
    from guard.detection.embedder import SentenceEmbedder

    drafts = authors(load_questions(need(options.data, split)))
    embedder = SentenceEmbedder()
    with _gates(drafts, embedder) as gates:
        policy = gates.contextual.policy
        scorer = LeakScorer(policy.targets.values(), PolicyAudit(policy, embedder))
        sweep = _sweep(options, split, [draft.name for draft in drafts], each, draws, scorer)
        config = options.config("attacks", split, _digest(gates)) | {"attacks": sweep.digest, "probes": each}
        store = Store(options.out, config | {"draws": draws, "endpoint": options.endpoint})
        try:
            _detect(store, gates, sweep.attacks, progress)
            prompt = _through_endpoint if options.run_with is RunWith.ENDPOINT else _through_engine
            runs = prompt(options, drafts, gates, sweep, Session(store, progress, _CHUNK))
        finally:
            store.close()
    return Swept(store, runs, sweep.attacks, sweep.draws)


@contextmanager
def _gates(drafts: Sequence[Draft], embedder: Embedder) -> Iterator[ScopeGates]:
    always_drafts = [replace(draft, scope=Scope.ALWAYS) for draft in drafts]
    with (
        tempfile.TemporaryDirectory(prefix="lethe-eval-") as first,
        tempfile.TemporaryDirectory(prefix="lethe-eval-") as second,
        open_gate(drafts, embedder, Path(first)) as contextual,
        open_gate(always_drafts, embedder, Path(second)) as always,
    ):
        # One engine serves both and reads one folder. The policy in force for every row is not copied: requests
        # under `always` name their automata themselves.
        for path in always.folder.glob("*.automaton"):
            shutil.copy(path, contextual.folder)
        yield ScopeGates(contextual, always, embedder)


def _sweep(
    options: Options, split: ForgetSplit, names: Sequence[str], each: int, draws: int, scorer: LeakScorer
) -> AttackSweep:
    groups = load_probes(options.data, split, names, each)
    probes = [probe for group in groups for probe in group]
    texts = text_tasks(probes, scorer)
    return AttackSweep(
        [task for task in texts if task.name != STREAM],
        next(task for task in texts if task.name == STREAM),
        logprob_task(probes, scorer),
        draw_task([group[len(group) // 2] for group in groups], draws, scorer) if draws else None,
    )


def _digest(gates: ScopeGates) -> str:
    parts = (gates.contextual.embedder, *gates.contextual.digests, *gates.always.digests)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _detect(store: Store, gates: ScopeGates, tasks: Sequence[Task[AttackItem]], progress: Progress) -> None:
    """Store for each request whether the detector finds the target that it is about."""
    gate = gates.contextual
    ids = {target.draft.name: target.id for target in gate.policy.targets.values()}
    for task in tasks:
        missing = [k for k in range(len(task.items)) if Key(DETECTOR, task.name, k) not in store.samples]
        done = len(task.items) - len(missing)
        progress(DETECTOR, task.name, done, len(task.items))
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            turns = (
                turn for k in chunk for turn in conversation(task.items[k].prompt, task.items[k].detector_text)
            )
            # Embed together, into the cache; the detector would embed one conversation after the other.
            gates.embedder.embed([window for turn in turns for window in windows(turn.text)])
            store.add([_detect_item(gate, ids, task, index) for index in chunk])
            done += len(chunk)
            progress(DETECTOR, task.name, done, len(task.items))


def _detect_item(gate: Gate, ids: dict[str, str], task: Task[AttackItem], index: int) -> Sample:
    item = task.items[index]
    plan = gate.plan(conversation(item.prompt, item.detector_text))
    caught = ids[item.subject] in {match.target_id for match in plan.matches}
    return Sample(Key(DETECTOR, task.name, index), plan.kind.value, None, {CAUGHT: float(caught)})


def _through_engine(
    options: Options, drafts: Sequence[Draft], gates: ScopeGates, sweep: AttackSweep, session: Session
) -> list[str]:
    from eval.runners.engine import open_engine

    gate = gates.contextual
    methods: dict[str, Method] = {name.value: method(name, gate) for name in options.methods}
    if MethodName.GUARD in options.methods:
        methods[ALWAYS] = Guard(gates.always)
    version = str(gate.policy.version)
    with open_engine(options.model, gate.folder, version, options.dtype, options.seed) as engine:
        texts = PreEmbeddingRunner(engine, gates.embedder)
        runners = AttackRunners(texts, texts, PreEmbeddingRunner(TopTokensClient(engine), gates.embedder), engine)
        for name, applied in methods.items():
            _run(session, name, applied, runners, sweep, MethodName.NONE.value)
    return list(methods)


def _through_endpoint(
    options: Options, drafts: Sequence[Draft], gates: ScopeGates, sweep: AttackSweep, session: Session
) -> list[str]:
    from eval.runners.endpoint import Endpoint, check_stored, forgetting

    check_stored(options.methods)
    stored = {name.value: (name, drafts) for name in options.methods}
    if MethodName.GUARD in options.methods:
        always_drafts = [replace(draft, scope=Scope.ALWAYS) for draft in drafts]
        stored[ALWAYS] = (MethodName.GUARD, always_drafts)
    endpoint = Endpoint.open(options.endpoint, options.model)
    texts, stream = (
        PreEmbeddingRunner(endpoint, gates.embedder),
        PreEmbeddingRunner(StreamClient(endpoint.stream), gates.embedder),
    )
    runners = AttackRunners(texts, stream, PreEmbeddingRunner(TopTokensClient(endpoint), gates.embedder), endpoint)
    try:
        for run, (name, targets) in stored.items():
            with forgetting(targets, name):
                _run(session, run, Unprotected("server"), runners, sweep, None)
    finally:
        endpoint.close()
    return list(stored)


def _run(
    session: Session, name: str, method: Method, runners: AttackRunners, sweep: AttackSweep, base: str | None
) -> None:
    session.run(name, method, runners.texts, sweep.texts, base)
    session.run(name, StreamMethod(method), runners.stream, [sweep.stream], base)
    session.run(name, TopTokensMethod(method), runners.logprobs, [sweep.logprobs], base)
    if sweep.draws:
        session.run(name, method, runners.draws, [sweep.draws], base)
