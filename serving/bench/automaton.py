"""`lethe bench automaton`: what compiled phrases take in memory and time, and one target more or less."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from guard.matching.automaton import Automaton
from guard.matching.automaton_store import AutomatonStore
from guard.policy.always import AlwaysOnAutomata
from guard.registry.drafts import new_target
from guard.targets.target import Draft, ForgetTarget, Kind, Scope
from serving.bench.invented import SYLLABLES

CHANGES = 50
MIB = 2**20
_MONTHS = ("January", "March", "April", "June", "August", "October", "December")


@dataclass(frozen=True, slots=True)
class Compiled:
    """An automaton of `patterns` patterns, which `phrases` phrases need, and what it takes.

    dense_bytes  what a row for every state would take
    """

    name: str
    phrases: int
    patterns: int
    file_bytes: int
    dense_bytes: int
    seconds: float

    def mib(self, size: int) -> float:
        """Return how many MiB 100,000 phrases take where these take `size` bytes."""
        return size / MIB / self.phrases * 100_000


@dataclass(frozen=True, slots=True)
class Measured:
    """The automata without and with variants, and the milliseconds, ascending, that one target more takes, and one
    settled target less."""

    compiled: Sequence[Compiled]
    additions: Sequence[float]
    revocations: Sequence[float]


def run(targets: int) -> Measured:
    """Measure that many invented people, each with a title, a date and a phone number."""
    known = list(_invented(targets, 0))
    phrases = {phrase for target in known for phrase in target.forbidden}
    near = phrases.union(*(target.variants for target in known))
    with tempfile.TemporaryDirectory(prefix="lethe-bench-") as folder:
        compiled = [_compile("none", len(phrases), phrases, Path(folder))]
        compiled.append(_compile("close", len(phrases), near, Path(folder)))
        store = AutomatonStore(Path(folder))
        always = AlwaysOnAutomata().with_changes(known, (), store)
        return Measured(compiled, sorted(_add(always, store)), sorted(_revoke(always, known, store)))


def _compile(name: str, count: int, patterns: Collection[str], folder: Path) -> Compiled:
    # Word frequencies are loaded on first use, which is not part of it.
    Automaton.forbidding(["Ina"])
    started = time.perf_counter()
    automaton = Automaton.forbidding(patterns)
    size = automaton.save(folder).stat().st_size
    seconds = time.perf_counter() - started
    dense = sum(4 * len(part) * part.width for part in automaton.parts)
    return Compiled(name, count, len(patterns), size, dense, seconds)


def _add(always: AlwaysOnAutomata, store: AutomatonStore) -> Iterator[float]:
    """Yield the milliseconds that each of CHANGES further targets takes to be compiled and written."""
    for target in _invented(CHANGES, 1):
        started = time.perf_counter()
        always = always.with_changes([target], (), store)
        yield 1000 * (time.perf_counter() - started)


def _revoke(always: AlwaysOnAutomata, known: Sequence[ForgetTarget], store: AutomatonStore) -> Iterator[float]:
    """Yield the milliseconds that the end of each of CHANGES settled targets takes."""
    for target in known[:CHANGES]:
        started = time.perf_counter()
        always = always.with_changes((), [target], store)
        yield 1000 * (time.perf_counter() - started)


def _invented(count: int, seed: int) -> Iterator[ForgetTarget]:
    chance = random.Random(seed)

    def word() -> str:
        return "".join(chance.choices(SYLLABLES, k=3)).capitalize()

    for number in range(count):
        date = f"{chance.randint(1, 28)} {chance.choice(_MONTHS)} {chance.randint(1930, 2004)}"
        phone = f"+44 20 79{chance.randint(100_000, 999_999)}"
        title = f"The {word()} of {word()}: A {word()}"
        draft = Draft(
            name=f"{word()} {word()}", kind=Kind.PERSON, phrases=(title, date, phone), scope=Scope.ALWAYS
        )
        yield replace(new_target(draft), id=f"ft_{seed}_{number}")


def markdown(measured: Measured) -> str:
    """Return the figures as Markdown tables."""
    rows = [
        "| variants | phrases | patterns | MiB per 100,000 phrases | with a row a state | seconds to build |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {one.name} | {one.phrases:,} | {one.patterns:,} | {one.mib(one.file_bytes):.1f}"
        f" | {one.mib(one.dense_bytes):.1f} | {one.seconds:.1f} |"
        for one in measured.compiled
    ]
    added, ended = (
        f"p50 {_at(times, 0.5):.1f} ms, p99 {_at(times, 0.99):.1f} ms"
        for times in (measured.additions, measured.revocations)
    )
    return "\n".join(
        [*rows, "", f"One target more, compiled and written: {added}.", f"One settled target less: {ended}."]
    )


def _at(times: Sequence[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]
