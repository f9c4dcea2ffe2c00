"""The columns of the original TOFU leaderboard, computed anew."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eval.logs.tofu import Task, TaskSamples
from eval.metrics.convention import Convention
from eval.metrics.forget_quality import forget_quality
from eval.metrics.probability import normalised, probability
from eval.metrics.truth_ratio import closer_to_one, inverse_truth_ratio, true_better_inverse
from eval.metrics.utility import SplitScores, model_utility
from eval.scores import Scores

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
