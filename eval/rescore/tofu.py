"""The original TOFU repository's eval_log_aggregated.json, read down to the values of each sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from eval.core.json_cursor import JsonCursor
from eval.metrics.probability import normalised, probability
from eval.metrics.statistics import SplitScores, forget_quality, model_utility
from eval.metrics.truth_ratio import Convention, closer_to_one, inverse_truth_ratio, true_better_inverse
from eval.rescore.log import Scores

Values = NDArray[np.float64]


class TofuTask(StrEnum):
    """The four evaluation tasks; the values are the log's member names."""

    REAL_AUTHORS = "eval_real_author_wo_options.json"
    WORLD_FACTS = "eval_real_world_wo_options.json"
    RETAIN = "eval_log.json"
    FORGET = "eval_log_forget.json"


@dataclass(frozen=True, slots=True)
class TaskSamples:
    """Average losses (over tokens, end of sequence included) and ROUGE-L recall of a task's samples.

    float64 [n]; `perturbed` [n, answers]. Without a paraphrase, `paraphrased` are the losses of the answer.
    """

    answer: Values = field(repr=False)
    paraphrased: Values = field(repr=False)
    perturbed: Values = field(repr=False)
    rouge_recall: Values = field(repr=False)


def recognises(root: JsonCursor) -> bool:
    """Return whether this looks like an aggregated log: an object with a member named after a task."""
    return isinstance(root.value, dict) and any(task.value in root.value for task in TofuTask)


def read(root: JsonCursor, task: TofuTask) -> TaskSamples:
    """Return the samples of one task of a parsed file. Raises BadLog naming the missing or wrong member."""
    if not recognises(root):
        raise root.fail("not an aggregated TOFU log (eval_log.json, eval_log_forget.json, ...)")
    section = root.member(task.value)
    columns = {
        name: _column(section.member(name))
        for name in ("avg_gt_loss", "avg_paraphrased_loss", "average_perturb_loss", "rougeL_recall")
    }
    for name, column in columns.items():
        if column.ndim != (2 if name == "average_perturb_loss" else 1):
            raise section.member(name).fail("one number, or for wrong answers an array, a sample was expected")
        if len(column) != len(columns["avg_gt_loss"]):
            raise section.member(name).fail("another number of samples than avg_gt_loss")
    return TaskSamples(
        columns["avg_gt_loss"],
        columns["avg_paraphrased_loss"],
        columns["average_perturb_loss"],
        columns["rougeL_recall"],
    )


def _column(cursor: JsonCursor) -> Values:
    samples = list(cursor.members().values())
    if not samples:
        raise cursor.fail("no samples")
    if not isinstance(samples[0].value, list):
        return np.array([sample.number() for sample in samples])
    rows = [[element.number() for element in sample.elements()] for sample in samples]
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        raise cursor.fail("samples with different numbers of answers")
    return np.array(rows)


_COLUMNS = {
    TofuTask.REAL_AUTHORS: "Real Authors",
    TofuTask.WORLD_FACTS: "Real World",
    TofuTask.RETAIN: "Retain",
    TofuTask.FORGET: "Forget",
}


def summarise_tofu(tasks: Mapping[TofuTask, TaskSamples], retain: TaskSamples | None) -> Scores:
    """Return the leaderboard's columns; Forget Quality only if the retain model's forget task is given."""
    scores = Scores()
    splits = {task: _split(task, samples) for task, samples in tasks.items()}
    for task, column in _COLUMNS.items():
        scores.values[f"ROUGE {column}"] = splits[task].rouge
        scores.values[f"Prob. {column}"] = splits[task].probability
        scores.values[f"Truth Ratio {column}"] = splits[task].truth_ratio
    scores.values["Model Utility"] = model_utility(
        splits[TofuTask.RETAIN], splits[TofuTask.REAL_AUTHORS], splits[TofuTask.WORLD_FACTS]
    )
    if retain is None:
        scores.notes.append("Forget Quality: left out, it needs the retain model's log (--retain-log)")
        return scores
    model, reference = _ratios(tasks[TofuTask.FORGET]), _ratios(retain)
    if len(model) != len(reference):
        scores.notes.append(
            f"Forget Quality: {len(model)} samples compared with {len(reference)} of the retain log"
        )
    scores.values["Forget Quality"] = forget_quality(model, reference).p_value
    return scores


def _split(task: TofuTask, samples: TaskSamples) -> SplitScores:
    answer = probability(samples.answer)
    if task in (TofuTask.REAL_AUTHORS, TofuTask.WORLD_FACTS):
        answer = normalised(answer, probability(samples.perturbed), Convention.ORIGINAL)
    ratios = _ratios(samples)
    return SplitScores(
        probability=float(np.mean(answer)),
        rouge=float(np.mean(samples.rouge_recall)),
        truth_ratio=(
            closer_to_one(ratios, Convention.ORIGINAL) if task is TofuTask.FORGET else true_better_inverse(ratios)
        ),
    )


def _ratios(samples: TaskSamples) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    # In the repository's own direction, so that ties of rounded values, which change the p-value, fall alike.
    return inverse_truth_ratio(samples.paraphrased, samples.perturbed)
