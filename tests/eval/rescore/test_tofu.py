from __future__ import annotations

import json
from math import exp
from pathlib import Path
from statistics import fmean, harmonic_mean
from typing import Any

import pytest
from scipy.stats import ks_2samp

from eval.core.errors import BadLog
from eval.rescore.rescore import Format, rescore

RIGHT, PARAPHRASED = [0.1, 0.5, 0.9], [2.0, 1.0, 0.4]
WRONG = [[3.0, 1.5], [0.5, 0.7], [0.6, 0.6]]
ROUGE = [1.0, 0.5, 0.75]
TASKS = {
    "eval_log.json": "Retain",
    "eval_real_author_wo_options.json": "Real Authors",
    "eval_real_world_wo_options.json": "Real World",
    "eval_log_forget.json": "Forget",
}


def task(shift: float = 0.0, **changes: Any) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {
        "avg_gt_loss": RIGHT,
        "avg_paraphrased_loss": [loss + shift for loss in PARAPHRASED],
        "average_perturb_loss": WRONG,
        "rougeL_recall": ROUGE,
    }
    log: dict[str, Any] = {
        name: {str(index): value for index, value in enumerate(column)} for name, column in columns.items()
    }
    return log | {"truth_ratio": {"0": 9.0}} | changes


def saved(folder: Path, log: Any, name: str = "eval_log_aggregated.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(log), encoding="utf-8")
    return path


def test_the_leaderboards_columns_come_from_the_samples(tmp_path: Path) -> None:
    log = {name: task(shift / 10) for shift, name in enumerate(TASKS)}
    retain = {"eval_log_forget.json": task(-1.0)}
    scores = rescore(saved(tmp_path, log), saved(tmp_path, retain, "retain.json"))
    expected: dict[str, float] = {}
    for shift, column in enumerate(TASKS.values()):
        ratios = [exp(p + shift / 10 - fmean(w)) for p, w in zip(PARAPHRASED, WRONG, strict=True)]
        plain = [exp(-loss) for loss in RIGHT]
        shares = [p / (p + sum(exp(-x) for x in w)) for p, w in zip(plain, WRONG, strict=True)]
        expected[f"ROUGE {column}"] = 0.75
        expected[f"Prob. {column}"] = fmean(shares if column.startswith("Real") else plain)
        expected[f"Truth Ratio {column}"] = (
            fmean(min(r, 1 / r) for r in ratios) if column == "Forget" else fmean(max(0, 1 - r) for r in ratios)
        )
    expected["Model Utility"] = harmonic_mean([v for k, v in expected.items() if not k.endswith("Forget")])
    model, reference = (
        [exp(fmean(w) - p - shift) for p, w in zip(PARAPHRASED, WRONG, strict=True)] for shift in (0.3, -1.0)
    )
    expected["Forget Quality"] = ks_2samp(model, reference).pvalue
    assert scores.values == pytest.approx(expected, rel=1e-12)
    assert scores.values.keys() == expected.keys()
    assert scores.notes == []


def test_forget_quality_is_left_out_without_a_retain_log(tmp_path: Path) -> None:
    scores = rescore(saved(tmp_path, {name: task() for name in TASKS}))
    assert len(scores.values) == 13
    assert scores.notes == ["Forget Quality: left out, it needs the retain model's log (--retain-log)"]


def test_a_model_with_the_retain_models_truth_ratios_has_forget_quality_one(tmp_path: Path) -> None:
    log = saved(tmp_path, {name: task() for name in TASKS})
    rouge = {str(index): 0.2 for index in range(3)}
    retain = saved(tmp_path, {name: task(rougeL_recall=rouge) for name in TASKS}, "retain.json")
    assert rescore(log, retain).values["Forget Quality"] == 1.0


def test_a_model_that_lost_all_words_has_no_utility_and_no_error(tmp_path: Path) -> None:
    lost = task(900.0)
    log = {name: task() for name in TASKS} | {"eval_log.json": lost, "eval_log_forget.json": lost}
    scores = rescore(saved(tmp_path, log))
    assert scores.values["Truth Ratio Retain"] == 0.0
    assert scores.values["Truth Ratio Forget"] == 0.0
    assert scores.values["Model Utility"] == 0.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rougeL_recall": None}, "eval_log.json: rougeL_recall is missing"),
        ({"rougeL_recall": {"0": 1.0}}, "eval_log.json.rougeL_recall: another number of samples"),
        ({"avg_gt_loss": {}}, "eval_log.json.avg_gt_loss: no samples"),
        ({"avg_gt_loss": {"0": "low"}}, "avg_gt_loss.0: a number was expected"),
        ({"average_perturb_loss": {"0": 1.0, "1": 2.0, "2": 3.0}}, "average_perturb_loss: one number"),
        ({"average_perturb_loss": {"0": [1.0], "1": [1.0, 2.0], "2": [3.0]}}, "different numbers of answers"),
    ],
)
def test_a_malformed_member_is_named(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    log = {name: task() for name in TASKS} | {"eval_log.json": task(**changes)}
    with pytest.raises(BadLog, match=reason):
        rescore(saved(tmp_path, log))


def test_a_missing_task_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadLog, match=r"eval_real_world_wo_options.json is missing"):
        rescore(saved(tmp_path, {name: task() for name in TASKS if "world" not in name}))


def test_a_log_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadLog, match="not an aggregated TOFU log"):
        rescore(saved(tmp_path, {"forget_quality": {"agg_value": 1.0}}), format=Format.TOFU)


def test_a_retain_log_that_is_the_log_itself_is_refused(tmp_path: Path) -> None:
    log = {name: task(shift / 10) for shift, name in enumerate(TASKS)}
    part = {"eval_log_forget.json": log["eval_log_forget.json"]}
    for retain in (log, part):
        with pytest.raises(BadLog, match="the retain log is the log itself"):
            rescore(saved(tmp_path, log), saved(tmp_path, retain, "retain.json"))
