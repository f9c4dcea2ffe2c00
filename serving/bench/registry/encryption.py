"""`lethe bench encryption`: what encryption at rest adds to changes of targets, to a start, and to searches."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from guard.detection.embedder import Vectors
from guard.encryption.sealing import Secret, new_secret
from guard.policy.compiler import Compiler
from guard.registry.registry import Registry
from guard.registry.search import TargetSearch
from guard.targets.target import Draft, Fact, Scope
from serving.bench.load import median
from serving.bench.run import people

CHANGES = 60
"""Targets added one by one in a round."""
_ALWAYS_EVERY = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """The milliseconds of processor time that a step takes, without and with encryption, a value per round."""

    step: str
    plain: Sequence[float]
    encrypted: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median over the rounds of encrypted to plain."""
        return median([ours / plain for plain, ours in zip(self.plain, self.encrypted, strict=True)])


class _NoEmbedder:
    """Embeds in no time, so that what is measured is the registry and the compiler."""

    name = "none"
    dimension = 384

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.random.default_rng(len(texts)).standard_normal((len(texts), self.dimension))
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


def run(targets: int, rounds: int, memory: Path, say: Callable[[str], None]) -> list[Cost]:
    """Measure with so many targets in place; compiled policies of the encrypted registry lie in `memory`."""
    drafts = list(_drafts(targets + rounds * CHANGES))
    say("filling two registries")
    sides: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    with ExitStack() as held:
        places = {
            False: _Place(Path(held.enter_context(tempfile.TemporaryDirectory(prefix="lethe-bench-"))), None),
            True: _Place(
                Path(held.enter_context(tempfile.TemporaryDirectory(prefix="lethe-bench-"))),
                new_secret(),
                Path(held.enter_context(tempfile.TemporaryDirectory(prefix="lethe-bench-", dir=memory))),
            ),
        }
        for place in places.values():
            place.fill(drafts[:targets])
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            start = targets + number * CHANGES
            # In turn first: what the machine does meanwhile is shared.
            for encrypted in (False, True) if number % 2 == 0 else (True, False):
                sides[encrypted].append(places[encrypted].measure(drafts[start : start + CHANGES]))
    return [
        Cost(step, [one[step] for one in sides[False]], [one[step] for one in sides[True]])
        for step in sides[False][0]
    ]


def markdown(costs: Sequence[Cost]) -> str:
    """Return a table of the medians in milliseconds of processor time."""
    lines = ["| step | plain, ms | encrypted, ms | ratio |", "|---|---|---|---|"]
    lines += [
        f"| {one.step} | {median(one.plain):.2f} | {median(one.encrypted):.2f} | {one.ratio:.3f} |"
        for one in costs
    ]
    return "\n".join(lines)


class _Place:
    """A registry in `folder`, encrypted if there is a key, and the folder of its policies."""

    def __init__(self, folder: Path, key: Secret | None, policies: Path | None = None) -> None:
        self._folder = folder
        self._key = key
        self._policies = policies or folder

    def fill(self, drafts: Sequence[Draft]) -> None:
        with closing(self._open()) as registry:
            registry.add_many(drafts)
            self._compiler(registry).compile()

    def measure(self, drafts: Sequence[Draft]) -> dict[str, float]:
        """Return the milliseconds of processor time of each step."""
        began = time.process_time()
        with closing(self._open()) as registry:
            compiler = self._compiler(registry)
            policy = compiler.compile()
            start = time.process_time() - began
            stored, enforced = [], []
            for draft in drafts:
                began = time.process_time()
                registry.add(draft)
                stored.append(time.process_time() - began)
                policy = compiler.compile(policy)
                enforced.append(time.process_time() - began)
            searched = []
            for draft in drafts[:10]:
                began = time.process_time()
                assert registry.find(TargetSearch(name=draft.name)).items
                searched.append(time.process_time() - began)
        return {
            "start, to the first policy": 1000 * start,
            "target added, to stored": 1000 * median(stored),
            "target added, to enforced": 1000 * median(enforced),
            "search by name": 1000 * median(searched),
        }

    def _open(self) -> Registry:
        return Registry(self._folder / "lethe.db", self._key)

    def _compiler(self, registry: Registry) -> Compiler:
        return Compiler(registry, _NoEmbedder(), self._policies)


def _drafts(count: int) -> Iterator[Draft]:
    for number, one in enumerate(people(count)):
        scope = Scope.CONTEXTUAL if number % _ALWAYS_EVERY else Scope.ALWAYS
        yield Draft(name=one["name"], facts=tuple(Fact(**fact) for fact in one["facts"]), scope=scope)
