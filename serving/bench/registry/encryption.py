"""`lethe bench encryption`: what encryption at rest adds to a start, to changes, searches, and to answers."""

from __future__ import annotations

import base64
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from guard.detection.embedder import Vectors
from guard.encryption.sealing import Secret, new_secret
from guard.policy.compiler import Compiler
from guard.registry.registry import Registry
from guard.registry.search import TargetSearch
from guard.targets.target import Draft, Fact, Scope
from serving.bench.load import Load, median
from serving.bench.processes import guarded
from serving.bench.run import Case, compare, literals, people, warm_up

CHANGES = 60
"""Targets added one by one in a round."""
CLIENTS = 32
_ALWAYS_EVERY = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step takes, without and with encryption, a value per round, in `unit`; `aim` bounds the ratio."""

    step: str
    unit: str
    plain: Sequence[float]
    encrypted: Sequence[float]
    aim: str = ""

    @property
    def ratio(self) -> float:
        """The median over the rounds of encrypted to plain."""
        return median([ours / plain for plain, ours in zip(self.plain, self.encrypted, strict=True)])


class Times(NamedTuple):
    """Milliseconds by the clock on the wall, and of processor time."""

    wall: float
    processor: float


AIMS = {"start, to the first policy": "1.2", "target added, compiled": "1.2"}


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
    sides: dict[bool, list[dict[str, Times]]] = {False: [], True: []}
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
        Cost(
            step,
            f"ms, {clock}",
            [getattr(one[step], clock) for one in sides[False]],
            [getattr(one[step], clock) for one in sides[True]],
            AIMS.get(step, ""),
        )
        for step in sides[False][0]
        for clock in Times._fields
    ]


def throughput(
    model: str, folder: Path, memory: Path, rounds: int, tokens: int, say: Callable[[str], None]
) -> Cost:
    """Measure 32 clients at a time before two servers, of which one encrypts its registry and policies."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    with (
        tempfile.TemporaryDirectory(prefix="lethe-bench-", dir=memory) as policies,
        guarded(model, folder / "plain") as one,
        guarded(
            model,
            folder / "encrypted",
            {"LETHE_ENCRYPTION_KEY": key, "LETHE_MEMORY_DIR": str(Path(policies) / "memory")},
        ) as other,
    ):
        endpoints = replace(one, name="plain"), replace(other, name="encrypted")
        names = {endpoint.name: endpoint.model() for endpoint in endpoints}
        for endpoint in endpoints:
            endpoint.forget([*literals(100), *people(100)])
        warm_up(endpoints, names)
        say("measuring throughput")
        case = Case("encryption", Load(CLIENTS, 6 * CLIENTS, tokens, stream=False))
        (ratio,) = compare(case, endpoints, names, rounds)
    return Cost(f"throughput at {CLIENTS}", "tokens/s", ratio.stock, ratio.guarded, "0.98 at least")


def markdown(costs: Sequence[Cost]) -> str:
    """Return a table of the medians."""
    lines = ["| step | unit | plain | encrypted | ratio | aim |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {one.step} | {one.unit} | {median(one.plain):.2f} | {median(one.encrypted):.2f} "
        f"| {one.ratio:.3f} | {one.aim} |"
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

    def measure(self, drafts: Sequence[Draft]) -> dict[str, Times]:
        """Return what each step takes."""
        began = _now()
        with closing(self._open()) as registry:
            compiler = self._compiler(registry)
            policy = compiler.compile()
            start = _since(began)
            stored, compiled = [], []
            for draft in drafts:
                began = _now()
                registry.add(draft)
                stored.append(_since(began))
                began = _now()
                policy = compiler.compile(policy)
                compiled.append(_since(began))
            searched = []
            for draft in drafts[:10]:
                began = _now()
                assert registry.find(TargetSearch(name=draft.name)).items
                searched.append(_since(began))
        return {
            "start, to the first policy": start,
            "target added, stored": _medians(stored),
            "target added, compiled": _medians(compiled),
            "search by name": _medians(searched),
        }

    def _open(self) -> Registry:
        return Registry(self._folder / "lethe.db", self._key)

    def _compiler(self, registry: Registry) -> Compiler:
        return Compiler(registry, _NoEmbedder(), self._policies)


def _now() -> Times:
    return Times(1000 * time.perf_counter(), 1000 * time.process_time())


def _since(began: Times) -> Times:
    now = _now()
    return Times(now.wall - began.wall, now.processor - began.processor)


def _medians(times: Sequence[Times]) -> Times:
    return Times(median([one.wall for one in times]), median([one.processor for one in times]))


def _drafts(count: int) -> Iterator[Draft]:
    for number, one in enumerate(people(count)):
        scope = Scope.CONTEXTUAL if number % _ALWAYS_EVERY else Scope.ALWAYS
        yield Draft(name=one["name"], facts=tuple(Fact(**fact) for fact in one["facts"]), scope=scope)
