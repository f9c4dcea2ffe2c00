"""`lethe bench encryption`: what encryption at rest adds to a start, to changes, searches, and to answers."""

from __future__ import annotations

import base64
import gc
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

STARTS = 3
"""Starts in a round, of each registry in turn: one of 300 targets takes a tenth of a second."""
CHANGES = 60
"""Targets added one by one in a round."""
CLIENTS = 32
PAIRS = 8
"""Loads in a round of throughput, of each server in turn: a drift of the machine affects both sides of a pair."""
REQUESTS = 3 * CLIENTS
"""Requests in one load."""
_ALWAYS_EVERY = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step takes without and with encryption, measured in pairs, in `unit`; `aim` bounds the ratio."""

    step: str
    unit: str
    plain: Sequence[float]
    encrypted: Sequence[float]
    aim: str = ""

    @property
    def ratios(self) -> Sequence[float]:
        """Encrypted to plain, of each pair."""
        return [ours / plain for plain, ours in zip(self.plain, self.encrypted, strict=True)]

    @property
    def ratio(self) -> float:
        """The median over the pairs of encrypted to plain."""
        return median(self.ratios)


class Times(NamedTuple):
    """Milliseconds by the clock on the wall, and of processor time."""

    wall: float
    processor: float


START = "start, to the first policy"
AIMS = {START: "1.2", "target added, compiled": "1.2"}


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
    measured: dict[bool, dict[str, list[Times]]] = {False: {}, True: {}}
    with ExitStack() as held:
        folders = [tempfile.TemporaryDirectory(prefix="lethe-bench-", dir=where) for where in (None, None, memory)]
        plain, encrypted, policies = (Path(held.enter_context(folder)) for folder in folders)
        places = {False: _Place(plain, None), True: _Place(encrypted, new_secret(), policies)}
        for place in places.values():
            place.fill(drafts[:targets])
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for turn in range(number, number + STARTS):
                for side in _in_turn(turn):
                    measured[side].setdefault(START, []).append(places[side].start())
            added = drafts[targets + number * CHANGES :][:CHANGES]
            for side in _in_turn(number):
                for step, times in places[side].change(added).items():
                    measured[side].setdefault(step, []).append(times)
    return [
        Cost(
            step,
            f"ms, {clock}",
            [getattr(one, clock) for one in measured[False][step]],
            [getattr(one, clock) for one in measured[True][step]],
            AIMS.get(step, ""),
        )
        for step in measured[False]
        for clock in Times._fields
    ]


def throughput(
    model: str, folder: Path, memory: Path, rounds: int, tokens: int, say: Callable[[str], None]
) -> Iterator[Cost]:
    """Measure 32 clients at a time before two servers, of which one encrypts its registry and policies.

    After each pair of loads, all pairs so far are yielded.
    """
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    say("starting two servers")
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
        case = Case("encryption", Load(CLIENTS, REQUESTS, tokens, stream=False))
        plain: list[float] = []
        encrypted: list[float] = []
        for pair in range(rounds * PAIRS):
            say(f"throughput, pair {pair + 1} of {rounds * PAIRS}")
            (ratio,) = compare(case, endpoints, names, 1, first=pair)
            plain += ratio.stock
            encrypted += ratio.guarded
            yield Cost(f"throughput at {CLIENTS}", "tokens/s", tuple(plain), tuple(encrypted), "0.98 at least")


def markdown(costs: Sequence[Cost]) -> str:
    """Return a table of the medians, and of the lowest and the highest ratio of a pair."""
    head = ("step", "unit", "plain", "encrypted", "ratio", "lowest to highest", "pairs", "aim")
    rows = [head, ("---",) * len(head), *map(_cells, costs)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(cost: Cost) -> tuple[str, ...]:
    medians = (f"{median(side):.2f}" for side in (cost.plain, cost.encrypted))
    spread = f"{min(cost.ratios):.3f} to {max(cost.ratios):.3f}"
    return (cost.step, cost.unit, *medians, f"{cost.ratio:.3f}", spread, str(len(cost.ratios)), cost.aim)


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

    def start(self) -> Times:
        """Return what it takes to open the registry and to compile the first policy."""
        # A full collection looks through all that this process holds, which takes as long as the start that it
        # would fall into.
        gc.collect()
        began = _now()
        with closing(self._open()) as registry:
            self._compiler(registry).compile()
            return _since(began)

    def change(self, drafts: Sequence[Draft]) -> dict[str, Times]:
        """Return what each step takes while targets are added: the medians."""
        stored, compiled, searched = [], [], []
        with closing(self._open()) as registry:
            compiler = self._compiler(registry)
            policy = compiler.compile()
            for draft in drafts:
                began = _now()
                registry.add(draft)
                stored.append(_since(began))
                began = _now()
                policy = compiler.compile(policy)
                compiled.append(_since(began))
            for draft in drafts[:10]:
                began = _now()
                assert registry.find(TargetSearch(name=draft.name)).items
                searched.append(_since(began))
        return {
            "target added, stored": _medians(stored),
            "target added, compiled": _medians(compiled),
            "search by name": _medians(searched),
        }

    def _open(self) -> Registry:
        return Registry(self._folder / "lethe.db", self._key)

    def _compiler(self, registry: Registry) -> Compiler:
        return Compiler(registry, _NoEmbedder(), self._policies)


def _in_turn(number: int) -> tuple[bool, bool]:
    """Return who comes first, by turns: what the machine does meanwhile is shared."""
    return (False, True) if number % 2 == 0 else (True, False)


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
