"""What a run knows of one sample: a row of `samples.jsonl`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

Value = float | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """Which sample: the row `index` of a set, under a run (a method, or `retain`: the retain model)."""

    run: str
    set: str
    index: int


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample's text and values.

    plan    what the gate decided: pass, restrict or decline
    text    the answer as served; None where nothing was generated (a set that is only scored)
    values  by name; a loss or score is infinite where the served distribution forbids a token of the answer.
            A value that a method does not have is not there.
    """

    key: Key
    plan: str
    text: str | None = field(repr=False)
    values: Mapping[str, Value]

    def line(self) -> str:
        """The sample as one line of JSON; infinite values are written "inf"."""
        values = {name: _written(value) for name, value in self.values.items()}
        row = {**asdict(self.key), "plan": self.plan, "text": self.text, "values": values}
        return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def read(cls, line: str) -> Sample:
        """The sample of a line; ValueError, TypeError or KeyError when it is none."""
        row = json.loads(line)
        values = {name: _read(value) for name, value in row["values"].items()}
        key = Key(str(row["run"]), str(row["set"]), int(row["index"]))
        return cls(key, str(row["plan"]), row["text"], values)

    def number(self, name: str) -> float | None:
        """A value that is one number, None where it is not there."""
        value = self.values.get(name)
        return value if isinstance(value, float) else None

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """A value that is several numbers, None where it is not there."""
        value = self.values.get(name)
        return value if isinstance(value, tuple) else None


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
