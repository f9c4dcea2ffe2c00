"""The benchmarks by name, imported when they are used: the command line starts without their libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eval.benchmarks.benchmark import AnyBenchmark

BENCHMARKS: Final[Mapping[str, Callable[[], type[AnyBenchmark]]]] = {
    "tofu": lambda: import_module("eval.benchmarks.tofu").Tofu,
    "muse": lambda: import_module("eval.benchmarks.muse").Muse,
    "rwku": lambda: import_module("eval.benchmarks.rwku").Rwku,
    "wpu": lambda: import_module("eval.benchmarks.wpu").Wpu,
}
"""By name: a function that returns the class; `lethe eval NAME` replays it."""
