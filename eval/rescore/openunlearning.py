"""open-unlearning's TOFU_EVAL.json and MUSE_EVAL.json, read down to the values of each sample.

A metric is `{"agg_value": ..., "value_by_index": {index: {...}}}`; a membership attack has two of those, `forget`
and `holdout`; forget_quality, model_utility and privleak have only `agg_value`. Aggregates are not read, except
for whether one is null.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eval.core.errors import BadLog, RetainLogRequired
from eval.core.json_cursor import JsonCursor
from eval.metrics.membership import DEFAULT_RETAIN_AUC, auc, privleak
from eval.metrics.statistics import SplitScores, forget_quality, model_utility
from eval.metrics.truth_ratio import closer_to_one, knowledge, true_better
from eval.rescore.log import Scores

Values = NDArray[np.float64]

_F1_METRICS = ("knowmem", "verbmem")


@dataclass(frozen=True, slots=True)
class MetricSamples:
    """The values of one metric for each sample, in the log's order; several answers of a sample are averaged.

    values  probability, ROUGE or score, float64 [n]
    losses  average losses, float64 [n] or, with several answers, [n, answers]; None if the metric has none
    """

    values: Values
    losses: Values | None


@dataclass(frozen=True, slots=True)
class MembershipScores:
    """Scores of a membership attack; higher means less likely trained on."""

    forget: Values
    holdout: Values


@dataclass(frozen=True, slots=True)
class OpenUnlearningLog:
    """A log by metric name. `summaries` are the metrics without samples: whether the log has a value for each."""

    file: str
    names: tuple[str, ...]
    samples: dict[str, MetricSamples] = field(repr=False)
    attacks: dict[str, MembershipScores] = field(repr=False)
    summaries: dict[str, bool]


def recognises(root: JsonCursor) -> bool:
    """Return whether this looks like an open-unlearning log: an object of objects with the format's members."""
    if not isinstance(root.value, dict):
        return False
    metrics = [metric for metric in root.value.values() if isinstance(metric, dict)]
    return any({"agg_value", "value_by_index"} & metric.keys() for metric in metrics)


def read(root: JsonCursor) -> OpenUnlearningLog:
    """Return the log of a parsed file. Raises BadLog naming the member that does not fit the format."""
    if not recognises(root):
        raise root.fail("not an open-unlearning log (metrics with agg_value and value_by_index)")
    samples: dict[str, MetricSamples] = {}
    attacks: dict[str, MembershipScores] = {}
    summaries: dict[str, bool] = {}
    metrics = root.members()
    for name, metric in metrics.items():
        by_index = metric.find("value_by_index")
        if by_index is not None:
            samples[name] = _samples(name, by_index)
        elif metric.find("forget") is not None:
            attacks[name] = MembershipScores(_scores(metric.member("forget")), _scores(metric.member("holdout")))
        else:
            summaries[name] = metric.find("agg_value") is not None
    return OpenUnlearningLog(root.location, tuple(metrics), samples, attacks, summaries)


def _samples(name: str, by_index: JsonCursor) -> MetricSamples:
    rows = [row for row in by_index.members().values() if row.value is not None]
    scored = [(row, value) for row in rows if (value := _value(name, row)) is not None]
    if not scored:
        raise by_index.fail("no samples")
    losses = [row.find("avg_loss") for row, _ in scored]
    loss_rows = [_numbers(loss) for loss in losses if loss is not None]
    if len(loss_rows) < len(scored):
        loss_rows = []
    if len({len(loss) for loss in loss_rows}) > 1:
        raise by_index.fail("samples with different numbers of answers")
    array = np.array(loss_rows, dtype=np.float64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return MetricSamples(np.array([value for _, value in scored]), array if loss_rows else None)


def _value(name: str, row: JsonCursor) -> float | None:
    fields = row.members()
    measure = "rougeL_f1" if any(metric in name for metric in _F1_METRICS) else "rougeL_recall"
    for statistic in ("prob", measure, "score"):
        if statistic in fields:
            cursor = fields[statistic]
            return None if cursor.value is None else float(np.mean(_numbers(cursor)))
    raise row.fail(f"none of prob, {measure} and score is here")


def _numbers(cursor: JsonCursor) -> list[float]:
    if not isinstance(cursor.value, list):
        return [cursor.number()]
    if not cursor.value:
        raise cursor.fail("the array is empty")
    return [element.number() for element in cursor.elements()]


def _scores(side: JsonCursor) -> Values:
    by_index = side.member("value_by_index")
    scores = [row.member("score").number() for row in by_index.members().values()]
    if not scores:
        raise by_index.fail("no samples")
    return np.array(scores)


_FORGET_RATIO = "forget_truth_ratio"
_PRIVLEAK_ATTACK = "mia_min_k"
_UTILITY = (
    ("retain_Q_A_Prob", "retain_Q_A_ROUGE", "retain_Truth_Ratio"),
    ("ra_Q_A_Prob_normalised", "ra_Q_A_ROUGE", "ra_Truth_Ratio"),
    ("wf_Q_A_Prob_normalised", "wf_Q_A_ROUGE", "wf_Truth_Ratio"),
)


def summarise_openunlearning(log: OpenUnlearningLog, retain: OpenUnlearningLog | None) -> Scores:
    """Return one number for each metric of the log, in its order and under its names.

    A metric that is null because the log had no retain log is left out unless one is given here. A metric with a
    value that needs a retain log raises RetainLogRequired without it. Only PrivLeak has a default, which is noted.
    """
    scores = Scores()
    for name in log.names:
        value = _aggregate(name, log, retain, scores.notes)
        if value is not None:
            scores.values[name] = value
    return scores


def _aggregate(
    name: str, log: OpenUnlearningLog, retain: OpenUnlearningLog | None, notes: list[str]
) -> float | None:
    if name in log.samples:
        return _mean(name, log)
    if name in log.attacks:
        return _auc(name, log)
    match name:
        case "model_utility":
            return _utility(log)
        case "forget_quality":
            return _forget_quality(log, retain, notes)
        case "privleak":
            return _privleak(log, retain, notes)
    notes.append(f"{name}: left out, the log has no per-sample values of it")
    return None


def _mean(name: str, log: OpenUnlearningLog) -> float:
    values = _summary_samples(name, log).values
    if name.lower().endswith("truth_ratio") and not _is_knowledge(name, log):
        return closer_to_one(values) if name.startswith("forget") else true_better(values)
    return float(np.mean(values))


def _is_knowledge(name: str, log: OpenUnlearningLog) -> bool:
    # Since December 2025 a configuration may compute P_correct / (P_correct + P_wrong) under the same name; only
    # the per-sample values show which it was.
    split = name.split("_", 1)[0]
    right = log.samples.get(f"{split}_Q_A_PARA_Prob") or log.samples.get(f"{split}_Q_A_Prob")
    wrong = log.samples.get(f"{split}_Q_A_PERT_Prob")
    if not right or not wrong or right.losses is None or wrong.losses is None or wrong.losses.ndim != 2:
        return False
    values = log.samples[name].values
    if not len(values) == len(right.losses) == len(wrong.losses):
        return False
    return bool(np.allclose(values, knowledge(right.losses, wrong.losses), rtol=1e-6, atol=0))


def _auc(name: str, log: OpenUnlearningLog) -> float:
    attack = log.attacks.get(name)
    if attack is None:
        raise BadLog(f"{log.file}: {name} with its forget and holdout scores is missing")
    return auc(attack.forget, attack.holdout)


def _summary_samples(name: str, log: OpenUnlearningLog) -> MetricSamples:
    samples = log.samples.get(name)
    if samples is None:
        raise BadLog(f"{log.file}: {name} with its value_by_index is missing")
    return samples


def _utility(log: OpenUnlearningLog) -> float:
    retain, authors, facts = (SplitScores(*(_mean(name, log) for name in names)) for names in _UTILITY)
    return model_utility(retain, authors, facts)


def _forget_quality(log: OpenUnlearningLog, retain: OpenUnlearningLog | None, notes: list[str]) -> float | None:
    if retain is None:
        if log.summaries["forget_quality"]:
            raise RetainLogRequired(f"{log.file}: forget_quality needs the retain model's log (--retain-log)")
        notes.append("forget_quality: left out, null in the log and no --retain-log given")
        return None
    model, reference = _summary_samples(_FORGET_RATIO, log).values, _summary_samples(_FORGET_RATIO, retain).values
    if len(model) != len(reference):
        notes.append(f"forget_quality: {len(model)} samples compared with {len(reference)} of the retain log")
    return forget_quality(model, reference).p_value


def _privleak(log: OpenUnlearningLog, retain: OpenUnlearningLog | None, notes: list[str]) -> float:
    score = _auc(_PRIVLEAK_ATTACK, log)
    if retain is not None and _PRIVLEAK_ATTACK in retain.names:
        return privleak(score, _auc(_PRIVLEAK_ATTACK, retain))
    missing = "no --retain-log given" if retain is None else f"no {_PRIVLEAK_ATTACK} in the retain log"
    notes.append(f"privleak: {missing}, reference AUC {DEFAULT_RETAIN_AUC} as open-unlearning has it")
    return privleak(score)
