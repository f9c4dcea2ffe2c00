"""The original TOFU repository's eval_log_aggregated.json, down to the values of each sample."""

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
from eval.rescore.scores import Scores

Values = NDArray[np.float64]


class Task(StrEnum):
    """The four evaluation tasks; values are the log's member names."""

    REAL_AUTHORS = "eval_real_author_wo_options.json"
    WORLD_FACTS = "eval_real_world_wo_options.json"
    RETAIN = "eval_log.json"
    FORGET = "eval_log_forget.json"


@dataclass(frozen=True, slots=True)
class TaskSamples:
    """Average losses (over tokens, end of sequence included) and ROUGE-L recall of a task's samples.

    Shapes [n]; `perturbed` [n, answers]. `paraphrased` are the losses of the answer where there is no paraphrase.
    """

    answer: Values = field(repr=False)
    paraphrased: Values = field(repr=False)
    perturbed: Values = field(repr=False)
    rouge_recall: Values = field(repr=False)


def recognises(root: JsonCursor) -> bool:
    """Whether this looks like an aggregated log: an object with a member named after a task."""
    return isinstance(root.value, dict) and any(task.value in root.value for task in Task)


def read(root: JsonCursor, task: Task) -> TaskSamples:
    """The samples of one task of a parsed file; raises BadLog naming the member that is missing or wrong."""
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


def _column(node: JsonCursor) -> Values:
    samples = list(node.members().values())
    if not samples:
        raise node.fail("no samples")
    if not isinstance(samples[0].value, list):
        return np.array([sample.number() for sample in samples])
    rows = [[element.number() for element in sample.elements()] for sample in samples]
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        raise node.fail("samples with different numbers of answers")
    return np.array(rows)


_COLUMNS = {
    Task.REAL_AUTHORS: "Real Authors",
    Task.WORLD_FACTS: "Real World",
    Task.RETAIN: "Retain",
    Task.FORGET: "Forget",
}


def summarise_tofu(tasks: Mapping[Task, TaskSamples], retain: TaskSamples | None) -> Scores:
    """The leaderboard's columns; Forget Quality only where the retain model's forget task is given."""
    scores = Scores()
    splits = {task: _split(task, samples) for task, samples in tasks.items()}
    for task, column in _COLUMNS.items():
        scores.values[f"ROUGE {column}"] = splits[task].rouge
        scores.values[f"Prob. {column}"] = splits[task].probability
        scores.values[f"Truth Ratio {column}"] = splits[task].truth_ratio
    scores.values["Model Utility"] = model_utility(
        splits[Task.RETAIN], splits[Task.REAL_AUTHORS], splits[Task.WORLD_FACTS]
    )
    if retain is None:
        scores.notes.append("Forget Quality: left out, it needs the retain model's log (--retain-log)")
        return scores
    model, reference = _ratios(tasks[Task.FORGET]), _ratios(retain)
    if len(model) != len(reference):
        scores.notes.append(
            f"Forget Quality: {len(model)} samples compared with {len(reference)} of the retain log"
        )
    scores.values["Forget Quality"] = forget_quality(model, reference).p_value
    return scores


def _split(task: Task, samples: TaskSamples) -> SplitScores:
    answer = probability(samples.answer)
    if task in (Task.REAL_AUTHORS, Task.WORLD_FACTS):
        answer = normalised(answer, probability(samples.perturbed), Convention.ORIGINAL)
    ratios = _ratios(samples)
    return SplitScores(
        probability=float(np.mean(answer)),
        rouge=float(np.mean(samples.rouge_recall)),
        truth_ratio=(
            closer_to_one(ratios, Convention.ORIGINAL) if task is Task.FORGET else true_better_inverse(ratios)
        ),
    )


def _ratios(samples: TaskSamples) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    # In the repository's own direction: ties of rounded values, which the p-value sees, fall as they do there.
    return inverse_truth_ratio(samples.paraphrased, samples.perturbed)
