"""Compares two runs by paired bootstrap of per-sample values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eval.core.cell import shown
from eval.core.errors import BadRun
from eval.core.sample import Key, Sample
from eval.harness.store import read_samples

_CHUNK_DRAWS = 500


class Side(NamedTuple):
    """The samples of one side; `run` "" stands for every run."""

    name: str
    samples: Mapping[Key, Sample]
    run: str


class Difference(NamedTuple):
    """Mean of B - A over the samples that both have, its 95 % interval, and the two-sided bootstrap p-value.

    `left_out` counts samples where either value is infinite.
    """

    runs: str
    set: str
    value: str
    samples: int
    left_out: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float


def side(argument: str) -> Side:
    """Return the samples named by FOLDER or FOLDER:RUN; raises BadRun where there are none."""
    folder, _, run = (argument, "", "") if Path(argument).is_dir() else argument.rpartition(":")
    samples = read_samples(Path(folder or argument))
    known = sorted({key.run for key in samples})
    if run and run not in known:
        raise BadRun(f"{folder}: has no run {run}; there are {', '.join(known)}")
    return Side(argument, samples, run)


def compare(a: Side, b: Side, draws: int, seed: int) -> list[Difference]:
    """Return the differences of all values of shared samples; raises BadRun when there are none."""
    runs = [(a.run, b.run)] if a.run and b.run else [(r, r) for r in _runs(a) if r in _runs(b)]
    found = [d for pair in runs for d in _differences(a, b, pair, draws, seed)]
    if not found:
        raise BadRun("the two have no samples in common")
    return found


def table(differences: Sequence[Difference]) -> str:
    """Return the differences as Markdown."""
    head = ["run", "set", "value", "n", "A", "B", "B - A", "95 %", "p"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in differences:
        count = f"{row.samples}" + (f" ({row.left_out} infinite left out)" if row.left_out else "")
        numbers = [shown(row.a), shown(row.b), shown(row.difference), f"{shown(row.low)} to {shown(row.high)}"]
        tested = [*numbers, f"{row.p_value:.2g}"] if row.samples else ["—"] * 5
        lines.append(f"| {' | '.join([row.runs, row.set, row.value, count, *tested])} |")
    return "\n".join(lines)


def _runs(chosen: Side) -> list[str]:
    return [chosen.run] if chosen.run else list(dict.fromkeys(key.run for key in chosen.samples))


def _differences(a: Side, b: Side, pair: tuple[str, str], draws: int, seed: int) -> list[Difference]:
    mine = {(key.set, key.index): sample for key, sample in a.samples.items() if key.run == pair[0]}
    other = {(key.set, key.index): sample for key, sample in b.samples.items() if key.run == pair[1]}
    values: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for place in sorted(mine.keys() & other.keys()):
        for name in mine[place].values:
            left, right = mine[place].number(name), other[place].number(name)
            if left is not None and right is not None:
                values.setdefault((place[0], name), []).append((left, right))
    label = pair[0] if pair[0] == pair[1] else f"{pair[0]} → {pair[1]}"
    return [_test(label, name, np.array(pairs), draws, seed) for name, pairs in values.items()]


def _test(label: str, name: tuple[str, str], pairs: np.ndarray, draws: int, seed: int) -> Difference:
    finite = pairs[np.isfinite(pairs).all(axis=1)]
    left_out = len(pairs) - len(finite)
    if not len(finite):
        return Difference(label, *name, 0, left_out, *[float("nan")] * 6)
    change = finite[:, 1] - finite[:, 0]
    means = _means(change, draws, np.random.default_rng(seed))
    low, high = np.quantile(means, [0.025, 0.975])
    # Never 0: with so many draws nothing smaller can be told.
    tail = min((means <= 0).sum(), (means >= 0).sum())
    p_value = min(1.0, 2 * (int(tail) + 1) / (draws + 1))
    a, b = finite.mean(axis=0)
    return Difference(label, *name, len(finite), left_out, a, b, float(change.mean()), low, high, p_value)


def _means(change: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    parts = [
        change[random.integers(0, len(change), (min(_CHUNK_DRAWS, draws - start), len(change)))].mean(axis=1)
        for start in range(0, draws, _CHUNK_DRAWS)
    ]
    return np.concatenate(parts)
