"""Measures the latency that detection adds to a short chat request with many targets, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np

from guard.deobfuscation.readings import deobfuscate
from guard.detection.calibration import COSINE_THRESHOLD
from guard.detection.detector import Detector
from guard.detection.embedder import Embedder
from guard.detection.index import TargetIndex
from guard.detection.lookup import Lookup
from guard.detection.names import Names
from guard.matching.automaton_store import AutomatonStore
from guard.policy.always import AlwaysOnAutomata
from guard.policy.policy import Policy
from guard.targets.target import Draft, ForgetTarget, State
from guard.text.conversation import Message, windows

MAX_PROMPTS: Final = 200
ADDED_TARGETS: Final = 50
NEAR_COSINE: Final = 0.7
MAX_RECALL_PROMPTS: Final = 50
_GIVEN: Final = ("Ola", "Tam", "Ivo", "Una", "Ren", "Sil", "Mar", "Bex", "Dov", "Kit")
_SOUNDS: Final = (
    "ba",
    "den",
    "fo",
    "gri",
    "hul",
    "jo",
    "kam",
    "lin",
    "mo",
    "nar",
    "pel",
    "quo",
    "rin",
    "sta",
    "tev",
)


T = TypeVar("T")


class PartLatency(NamedTuple):
    """A part of detection: its name, and its latency in milliseconds at the median and the 99th percentile."""

    part: str
    p50: float
    p99: float


class DetectionLatency(NamedTuple):
    """Latencies with `targets` targets, and the share of near target texts that the index misses."""

    targets: int
    parts: tuple[PartLatency, ...]
    names_build_s: float
    index_build_s: float
    added: PartLatency
    missed_share: float


def measure_latency(embedder: Embedder, count: int, questions: Sequence[str]) -> DetectionLatency:
    """Time each part on prompts new to the embedder, with `count` targets of one name and one text each.

    The targets' vectors are random around those of the questions, like those of similar questions; only the
    prompts are embedded. `missed_share` is the share of vectors within NEAR_COSINE of a prompt that the index
    misses.
    """
    names, rows = _random_targets(embedder, count, questions)
    began = time.perf_counter()
    name_automata = Names.build(names)
    names_build_s = time.perf_counter() - began
    began = time.perf_counter()
    index = TargetIndex.build(rows)
    index_build_s = time.perf_counter() - began
    policy = _policy(names, index, name_automata)
    prompts = questions[:MAX_PROMPTS]
    vectors = [embedder.embed([prompt]) for prompt in prompts]
    detector = Detector(embedder)
    parts = (
        # The word in front keeps the embedder from finding a question's vector in its cache.
        _timed("embedding", prompts, lambda prompt: embedder.embed([f"First {prompt}"])),
        _timed("index", vectors, lambda vector: index.near(vector, COSINE_THRESHOLD)),
        _timed("automaton, all readings", prompts, lambda prompt: _find_names(name_automata, prompt)),
        _timed("parts of names", prompts, name_automata.parts),
        _timed("detection in all", prompts, lambda prompt: detector.detect(policy.lookup, _conversation(prompt))),
    )
    return DetectionLatency(
        count,
        parts,
        names_build_s,
        index_build_s,
        _adding_latency(index, name_automata, rows),
        _missed(index, vectors, rows),
    )


def markdown(measured: DetectionLatency) -> str:
    """Return a table of the parts, and the cost of building and of adding a target."""
    lines = [f"With {measured.targets} targets:\n", "| part | p50 ms | p99 ms |", "| --- | --- | --- |"]
    lines += [f"| {part.part} | {part.p50:.2f} | {part.p99:.2f} |" for part in (*measured.parts, measured.added)]
    lines.append(
        f"\nBuilt in {measured.names_build_s:.1f} s (names) and {measured.index_build_s:.1f} s (index); of the"
        f" rows near a prompt the search misses {100 * measured.missed_share:.2f} %."
    )
    return "\n".join(lines)


def _random_targets(
    embedder: Embedder, count: int, questions: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    seen = embedder.embed([window for question in questions for window in windows(question)][:MAX_PROMPTS])
    parts = random.integers(len(_SOUNDS), size=(count, 4))
    names: dict[str, tuple[str, ...]] = {
        f"ft_{number}": (f"{_GIVEN[number % 10]} {''.join(_SOUNDS[part] for part in chosen).title()}{number:x}",)
        for number, chosen in enumerate(parts)
    }
    vectors = seen[random.integers(len(seen), size=count)] + random.standard_normal((count, seen.shape[1])) * 0.06
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return names, {target: vectors[number : number + 1] for number, target in enumerate(names)}


def _policy(names: dict[str, tuple[str, ...]], index: TargetIndex, name_automata: Names) -> Policy:
    now = datetime.now(UTC)
    targets = {
        id: ForgetTarget(
            id=id,
            draft=Draft(name=name),
            state=State.ACTIVE,
            revision=1,
            forbidden=(),
            created_at=now,
            updated_at=now,
        )
        for id, (name, *_) in names.items()
    }
    return Policy(
        version=1,
        lookup=Lookup(targets, name_automata, index),
        always=AlwaysOnAutomata(),
        contextual={},
        automata=AutomatonStore(Path()),
    )


def _conversation(prompt: str) -> list[Message]:
    return [Message("user", f"Then {prompt}")]


def _find_names(name_automata: Names, prompt: str) -> None:
    name_automata.found(prompt)
    for reading in deobfuscate(prompt):
        name_automata.found(reading.text, short=reading.is_language)


def _adding_latency(index: TargetIndex, name_automata: Names, rows: dict[str, np.ndarray]) -> PartLatency:
    row = next(iter(rows.values()))
    return _timed(
        "adding a target",
        [f"ft_new_{number}" for number in range(ADDED_TARGETS)],
        lambda id: (index.with_changes({id: row}, ()), name_automata.with_changes({id: (f"Orla Venn{id}",)}, ())),
    )


def _missed(index: TargetIndex, vectors: Sequence[np.ndarray], rows: dict[str, np.ndarray]) -> float:
    everything = np.concatenate(list(rows.values()))
    texts = np.concatenate(vectors[:MAX_RECALL_PROMPTS])
    wanted = int((texts @ everything.T >= NEAR_COSINE).sum())
    found = sum(len(index.near(vector, NEAR_COSINE)) for vector in texts[:, None])
    return 1 - found / wanted if wanted else 0.0


def _timed(part: str, given: Sequence[T], call: Callable[[T], object]) -> PartLatency:
    spent = []
    for one in given:
        began = time.perf_counter()
        call(one)
        spent.append(1000 * (time.perf_counter() - began))
    return PartLatency(part, float(np.median(spent)), float(np.quantile(spent, 0.99)))
