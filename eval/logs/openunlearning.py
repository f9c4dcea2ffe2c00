"""open-unlearning's TOFU_EVAL.json and MUSE_EVAL.json, down to the values of each sample.

A metric is `{"agg_value": ..., "value_by_index": {index: {...}}}`; a membership attack holds two of those,
`forget` and `holdout`; forget_quality, model_utility and privleak hold `agg_value` alone. Aggregates are never
read, but for whether one is null.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eval.node import Node

Values = NDArray[np.float64]

_F_MEASURED = ("knowmem", "verbmem")


@dataclass(frozen=True, slots=True)
class Samples:
    """What one metric says of each sample, in the log's order; several answers of a sample are averaged.

    `values` are its probability, ROUGE or score, shape [n]; `losses` its average losses, shape [n] or, with
    several answers, [n, answers], and None for a metric that has none.
    """

    values: Values
    losses: Values | None


@dataclass(frozen=True, slots=True)
class Attack:
    """Scores of a membership attack, higher for texts less likely trained on."""

    forget: Values
    holdout: Values


@dataclass(frozen=True, slots=True)
class OpenUnlearningLog:
    """A log by metric name; `derived` are those without samples, True where the log has a value for one."""

    file: str
    names: tuple[str, ...]
    samples: dict[str, Samples] = field(repr=False)
    attacks: dict[str, Attack] = field(repr=False)
    derived: dict[str, bool]


def recognises(root: Node) -> bool:
    """Whether this looks like an open-unlearning log: an object of objects with the format's member names."""
    if not isinstance(root.value, dict):
        return False
    metrics = [metric for metric in root.value.values() if isinstance(metric, dict)]
    return any({"agg_value", "value_by_index"} & metric.keys() for metric in metrics)


def read(root: Node) -> OpenUnlearningLog:
    """The log of a parsed file; raises BadLog naming the member that is not of the format."""
    if not recognises(root):
        raise root.fail("not an open-unlearning log (metrics with agg_value and value_by_index)")
    samples: dict[str, Samples] = {}
    attacks: dict[str, Attack] = {}
    derived: dict[str, bool] = {}
    metrics = root.members()
    for name, metric in metrics.items():
        by_index = metric.find("value_by_index")
        if by_index is not None:
            samples[name] = _samples(name, by_index)
        elif metric.find("forget") is not None:
            attacks[name] = Attack(_scores(metric.member("forget")), _scores(metric.member("holdout")))
        else:
            derived[name] = metric.find("agg_value") is not None
    return OpenUnlearningLog(root.place, tuple(metrics), samples, attacks, derived)


def _samples(name: str, by_index: Node) -> Samples:
    rows = [row for row in by_index.members().values() if row.value is not None]
    kept = [(row, value) for row in rows if (value := _value(name, row)) is not None]
    if not kept:
        raise by_index.fail("no samples")
    losses = [row.find("avg_loss") for row, _ in kept]
    complete = [_numbers(loss) for loss in losses if loss is not None]
    if len(complete) < len(kept):
        complete = []
    if len({len(loss) for loss in complete}) > 1:
        raise by_index.fail("samples with different numbers of answers")
    array = np.array(complete, dtype=np.float64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return Samples(np.array([value for _, value in kept]), array if complete else None)


def _value(name: str, row: Node) -> float | None:
    fields = row.members()
    measure = "rougeL_f1" if any(part in name for part in _F_MEASURED) else "rougeL_recall"
    for statistic in ("prob", measure, "score"):
        if statistic in fields:
            found = fields[statistic]
            return None if found.value is None else float(np.mean(_numbers(found)))
    raise row.fail(f"none of prob, {measure} and score is here")


def _numbers(node: Node) -> list[float]:
    if not isinstance(node.value, list):
        return [node.number()]
    if not node.value:
        raise node.fail("the array is empty")
    return [element.number() for element in node.elements()]


def _scores(side: Node) -> Values:
    by_index = side.member("value_by_index")
    scores = [row.member("score").number() for row in by_index.members().values()]
    if not scores:
        raise by_index.fail("no samples")
    return np.array(scores)
