"""What detection adds to a short chat request with many targets, part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

import numpy as np

from guard.detection.detector import THRESHOLD, Detector
from guard.detection.embedder import Embedder
from guard.detection.index import TargetIndex
from guard.detection.names import Names
from guard.policy.always import Literals
from guard.policy.policy import Policy
from guard.targets.target import Draft, ForgetTarget, State
from guard.text.conversation import Message, windows
from guard.text.deobfuscation import decoded

ROUNDS: Final = 200
ADDED: Final = 50
NEAR: Final = 0.7
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


class Cost(NamedTuple):
    """A part of detection: its name, and milliseconds at the median and the 99th percentile."""

    part: str
    p50: float
    p99: float


class Latency(NamedTuple):
    """Costs with so many targets; seconds to build names and index, milliseconds to add one target."""

    targets: int
    costs: tuple[Cost, ...]
    build_names: float
    build_index: float
    added: Cost
    missed: float


def measure_latency(embedder: Embedder, count: int, questions: Sequence[str]) -> Latency:
    """Time each part on prompts the embedder has not seen, with `count` targets of one name and one row each.

    The targets' vectors are random around the questions' own mean, as a corpus of like questions would lie; only
    the prompts are embedded. `missed` is the share of rows at cosine NEAR of a prompt that the search leaves out.
    """
    names, rows = _made(embedder, count, questions)
    began = time.perf_counter()
    called = Names.build(names)
    build_names = time.perf_counter() - began
    began = time.perf_counter()
    index = TargetIndex.build(rows)
    build_index = time.perf_counter() - began
    policy = _policy(names, index, called)
    prompts = questions[:ROUNDS]
    vectors = [embedder.embed([prompt]) for prompt in prompts]
    detector = Detector(embedder)
    costs = (
        # Another word before it, and no part finds the vector of a question in the cache.
        _timed("embedding", prompts, lambda prompt: embedder.embed([f"First {prompt}"])),
        _timed("index", vectors, lambda vector: index.near(vector, THRESHOLD)),
        _timed("automaton, all readings", prompts, lambda prompt: _named(called, prompt)),
        _timed("parts of names", prompts, called.parts),
        _timed("detection in all", prompts, lambda prompt: detector.detect(policy, _asked(prompt))),
    )
    return Latency(
        count, costs, build_names, build_index, _adding(index, called, rows), _missed(index, vectors, rows)
    )


def markdown(measured: Latency) -> str:
    """A table of the parts, and what building and adding cost."""
    lines = [f"With {measured.targets} targets:\n", "| part | p50 ms | p99 ms |", "| --- | --- | --- |"]
    lines += [f"| {cost.part} | {cost.p50:.2f} | {cost.p99:.2f} |" for cost in (*measured.costs, measured.added)]
    lines.append(
        f"\nBuilt in {measured.build_names:.1f} s (names) and {measured.build_index:.1f} s (index); of the rows "
        f"near a prompt the search misses {100 * measured.missed:.2f} %."
    )
    return "\n".join(lines)


def _made(
    embedder: Embedder, count: int, questions: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    seen = embedder.embed([window for question in questions for window in windows(question)][:ROUNDS])
    parts = random.integers(len(_SOUNDS), size=(count, 4))
    names: dict[str, tuple[str, ...]] = {
        f"ft_{number}": (f"{_GIVEN[number % 10]} {''.join(_SOUNDS[part] for part in chosen).title()}{number:x}",)
        for number, chosen in enumerate(parts)
    }
    vectors = seen[random.integers(len(seen), size=count)] + random.standard_normal((count, seen.shape[1])) * 0.06
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return names, {target: vectors[number : number + 1] for number, target in enumerate(names)}


def _policy(names: dict[str, tuple[str, ...]], index: TargetIndex, called: Names) -> Policy:
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
    return Policy(version=1, targets=targets, index=index, names=called, literals=Literals(), own={}, automata={})


def _asked(prompt: str) -> list[Message]:
    return [Message("user", f"Then {prompt}")]


def _named(called: Names, prompt: str) -> None:
    called.found(prompt)
    for reading in decoded(prompt):
        called.found(reading.text, whole=reading.language)


def _adding(index: TargetIndex, called: Names, rows: dict[str, np.ndarray]) -> Cost:
    row = next(iter(rows.values()))
    return _timed(
        "adding a target",
        [f"ft_new_{number}" for number in range(ADDED)],
        lambda id: (index.with_changes({id: row}, ()), called.with_changes({id: (f"Orla Venn{id}",)}, ())),
    )


def _missed(index: TargetIndex, vectors: Sequence[np.ndarray], rows: dict[str, np.ndarray]) -> float:
    everything = np.concatenate(list(rows.values()))
    asked = np.concatenate(vectors[:50])
    wanted = int((asked @ everything.T >= NEAR).sum())
    found = sum(len(index.near(vector, NEAR)) for vector in asked[:, None])
    return 1 - found / wanted if wanted else 0.0


def _timed(part: str, given: Sequence[T], call: Callable[[T], object]) -> Cost:
    spent = []
    for one in given:
        began = time.perf_counter()
        call(one)
        spent.append(1000 * (time.perf_counter() - began))
    return Cost(part, float(np.median(spent)), float(np.quantile(spent, 0.99)))
