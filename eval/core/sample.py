"""Samples: the rows of `samples.jsonl`, one for each answer of a run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

Value = float | tuple[float, ...]

ANSWER_LOG_PROBS: Final = "spoken_log_probs"
"""The value that holds log p of each token of the sample's own answer, where the runner is given them."""


@dataclass(frozen=True, slots=True)
class Key:
    """Row `index` of a set, under a run (a method, or `retain`: the retain model)."""

    run: str
    set: str
    index: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample's text and values.

    plan    the gate's decision: pass, restrict or decline
    text    the answer as served; None where none was generated (a set that is only scored)
    values  by name; a loss or score is infinite where the served distribution forbids a token of the answer.
            Values that a method does not have are absent.
    """

    key: Key
    plan: str
    text: str | None = field(repr=False)
    values: Mapping[str, Value]

    def line(self) -> str:
        """Return the sample as one line of JSON; infinite values are written "inf"."""
        values = {name: _written(value) for name, value in self.values.items()}
        row = {**asdict(self.key), "plan": self.plan, "text": self.text, "values": values}
        return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def read(cls, line: str) -> Sample:
        """Return the sample of a line; raises ValueError, TypeError or KeyError for any other line."""
        row = json.loads(line)
        values = {name: _read(value) for name, value in row["values"].items()}
        key = Key(str(row["run"]), str(row["set"]), int(row["index"]))
        return cls(key, str(row["plan"]), row["text"], values)

    def number(self, name: str) -> float | None:
        """Return a value that is one number, or None."""
        value = self.values.get(name)
        return value if isinstance(value, float) else None

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """Return a value that is several numbers, or None."""
        value = self.values.get(name)
        return value if isinstance(value, tuple) else None


@dataclass(frozen=True, slots=True)
class ReplaySamples:
    """All samples of a replay.

    no_likelihood  by run, in the order of the report: why the run has no likelihood; "" where it has one
    retain         the run of the retain model; None without one
    """

    samples: Mapping[Key, Sample]
    no_likelihood: Mapping[str, str]
    retain: str | None = None

    def of(self, run: str, name: str) -> list[Sample]:
        """Return the samples of the set `name` under a run, in the order of the benchmark's file."""
        return samples_of(self.samples, run, name)


def samples_of(samples: Mapping[Key, Sample], run: str, name: str) -> list[Sample]:
    """Return the samples of the set `name` under a run, in the order of the benchmark's file."""
    found = (sample for key, sample in samples.items() if key.run == run and key.set == name)
    return sorted(found, key=lambda sample: sample.key.index)


def _written(value: Value) -> object:
    if isinstance(value, tuple):
        return [_written(part) for part in value]
    return value if math.isfinite(value) else str(value)


def _read(value: object) -> Value:
    if isinstance(value, list):
        return tuple(float(part) for part in value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("a number was expected")
    return float(value)
