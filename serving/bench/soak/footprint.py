"""What the processes of a server hold at a moment, and how that grows: memory, file descriptors and threads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from serving.bench.processes import process_tree

MIB = 2**20
FIGURES = ("RSS, MiB", "PSS, MiB", "file descriptors", "threads")
AIMS = {"RSS, MiB": "1", "PSS, MiB": "1", "file descriptors": "0", "threads": "0"}
"""Growth a minute at most."""


class Footprint(NamedTuple):
    """What the process `pid`, called `name`, holds `minutes` after the beginning, in the order of FIGURES."""

    minutes: float
    pid: int
    name: str
    values: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """The first, last and highest value of a figure of a process, and its slope a minute by least squares."""

    process: str
    figure: str
    first: float
    last: float
    highest: float
    slope: float


def footprints(pid: int, minutes: float) -> list[Footprint]:
    """Return what the process and all that it has started hold now; Linux only. One that has just ended is left
    out."""
    found = []
    for each in process_tree(pid):
        place = Path(f"/proc/{each}")
        try:
            rollup = (place / "smaps_rollup").read_text(encoding="ascii").splitlines()
            sizes = {line.split()[0]: 1024 * int(line.split()[1]) for line in rollup[1:]}
            values = (
                sizes["Rss:"] / MIB,
                sizes["Pss:"] / MIB,
                len(list((place / "fd").iterdir())),
                len(list((place / "task").iterdir())),
            )
            name = "server" if each == pid else _name(place)
        except (OSError, KeyError, IndexError):
            continue
        found.append(Footprint(minutes, each, name, values))
    return found


def _name(place: Path) -> str:
    """Return what a process calls itself, and else the module or program that it runs."""
    arguments = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
    if "resource_tracker" in " ".join(arguments):
        return "resource tracker"
    return Path(arguments[0]).name if "::" not in arguments[0] else arguments[0].strip()


def growth(seen: Iterable[Footprint], warm_up: float) -> list[Growth]:
    """Return how the figures of each process grow from `warm_up` minutes on. Left out is what was seen less than
    three times since then."""
    by_process = defaultdict(list)
    for one in seen:
        if one.minutes >= warm_up:
            by_process[one.pid, one.name].append(one)
    found = []
    for (_, name), ours in by_process.items():
        minutes = [one.minutes for one in ours]
        for number, figure in enumerate(FIGURES if len(ours) >= 3 else ()):
            values = [one.values[number] for one in ours]
            found.append(Growth(name, figure, values[0], values[-1], max(values), slope(minutes, values)))
    return found


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the slope of the line through the points by least squares; 0 where all `x` are the same."""
    centred = np.asarray(x, dtype=np.float64) - np.mean(x)
    spread = float(centred @ centred)
    return float(centred @ np.asarray(y, dtype=np.float64)) / spread if spread else 0.0
