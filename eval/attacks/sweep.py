"""The attack sweep: every attack under every method, and which requests the detector caught."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from agents.audit import PolicyAudit
from eval.attacks.catalogue import STREAM
from eval.attacks.examiner import Examiner
from eval.attacks.tasks import (
    Ahead,
    Aimed,
    Listed,
    Streamed,
    Streaming,
    TopTokensClient,
    draw_task,
    logprob_task,
    text_tasks,
)
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
from eval.report.attacks import ALWAYS, CAUGHT, DETECTOR, write_attacks
from eval.report.results import Results
from guard.detection.embedder import Embedder
from guard.targets.target import Draft, Scope
from guard.text.conversation import windows

# Answers are short and many: an engine's step costs little more for four times the rows.
_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Sweep:
    """What is asked: attacks whose outcome is a text, the one read from a stream, and two of their own kinds."""

    texts: Sequence[Task[Aimed]]
    stream: Task[Aimed]
    logprobs: Task[Aimed]
    draws: Task[Aimed] | None

    @property
    def attacks(self) -> list[Task[Aimed]]:
        """All but the draws."""
        return [*self.texts, self.stream, self.logprobs]

    @property
    def digest(self) -> str:
        """sha256 over every request, so that a folder is not added to with other attacks."""
        prompts = (item.prompt for task in self.attacks for item in task.items)
        texts = (
            text
            for prompt in prompts
            for text in (*(turn.text for turn in prompt.before), prompt.text, prompt.prefill)
        )
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()


class Runners(NamedTuple):
    """How each kind of task is asked."""

    texts: Runner
    stream: Runner
    logprobs: Runner
    draws: Runner


class Gates(NamedTuple):
    """The gate of the targets as they are, and of the same targets with scope `always`; one folder of automata."""

    contextual: Gate
    always: Gate
    embedder: Embedder


def run_attacks(
    options: Options, split: ForgetSplit, each: int, draws: int, command: str, progress: Progress
) -> Results:
    """Attack `each` questions of every author of a TOFU split, whose authors are the forget targets.

    `draws` answers to one question of each author are drawn for leak@k; 0 leaves it out.
    """
    from guard.detection.embedder import SentenceEmbedder

    started = time.monotonic()
    drafts = authors(load_questions(need(options.data, split)))
    embedder = SentenceEmbedder()
    with _gates(drafts, embedder) as gates:
        policy = gates.contextual.policy
        examiner = Examiner(policy.targets.values(), PolicyAudit(policy, embedder))
        sweep = _sweep(options, split, [draft.name for draft in drafts], each, draws, examiner)
        config = options.config("attacks", split, _digest(gates)) | {"attacks": sweep.digest, "probes": each}
        store = Store(options.out, config | {"draws": draws, "endpoint": options.endpoint})
        try:
            _detect(store, gates, sweep.attacks, progress)
            prompt = _through_endpoint if options.run_with is RunWith.ENDPOINT else _through_engine
            runs = prompt(options, drafts, gates, sweep, Session(store, progress, _CHUNK))
        finally:
            store.close()
    return write_attacks(store, runs, sweep.attacks, sweep.draws, command, time.monotonic() - started)


@contextmanager
def _gates(drafts: Sequence[Draft], embedder: Embedder) -> Iterator[Gates]:
    everywhere = [replace(draft, scope=Scope.ALWAYS) for draft in drafts]
    with (
        tempfile.TemporaryDirectory(prefix="lethe-eval-") as first,
        tempfile.TemporaryDirectory(prefix="lethe-eval-") as second,
        open_gate(drafts, embedder, Path(first)) as contextual,
        open_gate(everywhere, embedder, Path(second)) as always,
    ):
        # One engine serves both and attaches from one folder. What `always` has in force there for every row stays
        # behind: its requests name their automata themselves.
        for path in always.folder.glob("*.automaton"):
            shutil.copy(path, contextual.folder)
        yield Gates(contextual, always, embedder)


def _sweep(
    options: Options, split: ForgetSplit, names: Sequence[str], each: int, draws: int, examiner: Examiner
) -> Sweep:
    groups = load_probes(options.data, split, names, each)
    probes = [probe for group in groups for probe in group]
    texts = text_tasks(probes, examiner)
    return Sweep(
        [task for task in texts if task.name != STREAM],
        next(task for task in texts if task.name == STREAM),
        logprob_task(probes, examiner),
        draw_task([group[len(group) // 2] for group in groups], draws, examiner) if draws else None,
    )


def _digest(gates: Gates) -> str:
    parts = (gates.contextual.embedder, *gates.contextual.digests, *gates.always.digests)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _detect(store: Store, gates: Gates, tasks: Sequence[Task[Aimed]], progress: Progress) -> None:
    """Store for each request whether the detector finds the very target that it is about."""
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
            # Embedded together, and cached; the detector would embed one conversation after the other.
            gates.embedder.embed([window for turn in turns for window in windows(turn.text)])
            store.add([_detected(gate, ids, task, index) for index in chunk])
            done += len(chunk)
            progress(DETECTOR, task.name, done, len(task.items))


def _detected(gate: Gate, ids: dict[str, str], task: Task[Aimed], index: int) -> Sample:
    item = task.items[index]
    plan = gate.plan(conversation(item.prompt, item.detector_text))
    caught = ids[item.subject] in {match.target_id for match in plan.matches}
    return Sample(Key(DETECTOR, task.name, index), plan.kind.value, None, {CAUGHT: float(caught)})


def _through_engine(
    options: Options, drafts: Sequence[Draft], gates: Gates, sweep: Sweep, session: Session
) -> list[str]:
    from eval.runners.engine import open_engine

    gate = gates.contextual
    treated: dict[str, Method] = {name.value: method(name, gate) for name in options.methods}
    if MethodName.GUARD in options.methods:
        treated[ALWAYS] = Guard(gates.always)
    version = str(gate.policy.version)
    with open_engine(options.model, gate.folder, version, options.dtype, options.seed) as engine:
        texts = Ahead(engine, gates.embedder)
        runners = Runners(texts, texts, Ahead(TopTokensClient(engine), gates.embedder), engine)
        for name, way in treated.items():
            _run(session, name, way, runners, sweep, MethodName.NONE.value)
    return list(treated)


def _through_endpoint(
    options: Options, drafts: Sequence[Draft], gates: Gates, sweep: Sweep, session: Session
) -> list[str]:
    from eval.runners.endpoint import Endpoint, check_stored, forgetting

    check_stored(options.methods)
    stored = {name.value: (name, drafts) for name in options.methods}
    if MethodName.GUARD in options.methods:
        everywhere = [replace(draft, scope=Scope.ALWAYS) for draft in drafts]
        stored[ALWAYS] = (MethodName.GUARD, everywhere)
    endpoint = Endpoint.open(options.endpoint, options.model)
    texts, stream = Ahead(endpoint, gates.embedder), Ahead(Streaming(endpoint.stream), gates.embedder)
    runners = Runners(texts, stream, Ahead(TopTokensClient(endpoint), gates.embedder), endpoint)
    try:
        for run, (name, targets) in stored.items():
            with forgetting(targets, name):
                _run(session, run, Unprotected("server"), runners, sweep, None)
    finally:
        endpoint.close()
    return list(stored)


def _run(session: Session, name: str, way: Method, runners: Runners, sweep: Sweep, base: str | None) -> None:
    session.run(name, way, runners.texts, sweep.texts, base)
    session.run(name, Streamed(way), runners.stream, [sweep.stream], base)
    session.run(name, Listed(way), runners.logprobs, [sweep.logprobs], base)
    if sweep.draws:
        session.run(name, way, runners.draws, [sweep.draws], base)
