"""The definitions against per-sample values that the reference implementations wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.metrics.probability import normalised, probability
from eval.metrics.rouge import rouge
from eval.metrics.truth_ratio import inverse_truth_ratio, truth_ratio

LOGS = ("TOFU_EVAL.first4.json", "TOFU_EVAL.retain.first4.json")


def read(shared: Path, name: str) -> Any:
    path = shared / "data" / "reference-logs" / name
    if not path.is_file():
        pytest.skip("no reference logs beside this checkout")
    return json.loads(path.read_text(encoding="utf-8"))


def column(metric: dict[str, Any], name: str) -> list[Any]:
    return [row[name] for row in metric["value_by_index"].values()]


@pytest.mark.parametrize("name", LOGS)
def test_truth_ratios_of_open_unlearning(shared: Path, name: str) -> None:
    log = read(shared, name)
    for ratios, right, wrong in [
        ("forget_truth_ratio", "forget_Q_A_PARA_Prob", "forget_Q_A_PERT_Prob"),
        ("retain_Truth_Ratio", "retain_Q_A_PARA_Prob", "retain_Q_A_PERT_Prob"),
        ("ra_Truth_Ratio", "ra_Q_A_Prob", "ra_Q_A_PERT_Prob"),
        ("wf_Truth_Ratio", "wf_Q_A_Prob", "wf_Q_A_PERT_Prob"),
    ]:
        ours = truth_ratio(column(log[right], "avg_loss"), column(log[wrong], "avg_loss"))
        np.testing.assert_allclose(ours, column(log[ratios], "score"), rtol=1e-12)


@pytest.mark.parametrize("name", LOGS)
def test_normalised_probabilities_of_open_unlearning(shared: Path, name: str) -> None:
    log = read(shared, name)
    for split in ("ra", "wf"):
        ours = normalised(column(log[f"{split}_Q_A_Prob"], "prob"), column(log[f"{split}_Q_A_PERT_Prob"], "prob"))
        np.testing.assert_allclose(ours, column(log[f"{split}_Q_A_Prob_normalised"], "prob"), rtol=1e-12)


@pytest.mark.parametrize("name", [*LOGS, "MUSE_EVAL.first4.json"])
def test_rouge_of_open_unlearning_is_stemmed(shared: Path, name: str) -> None:
    log = read(shared, name)
    rows = [row for key, metric in log.items() if "ROUGE" in key for row in metric["value_by_index"].values()]
    assert rows
    for row in rows:
        ours = rouge(row["ground_truth"], row["generation"], stemmer=True)
        assert ours == pytest.approx((row["rouge1_recall"], row["rougeL_f1"], row["rougeL_recall"]), rel=1e-12)


def test_rouge_of_the_muse_authors_is_not_stemmed(shared: Path) -> None:
    for row in read(shared, "muse_knowmem.log.first4.json"):
        ours = rouge(row["gt"], row["response"], stemmer=False)
        assert ours == pytest.approx((row["rouge1_recall"], row["rougeL"], row["rougeL_recall"]), rel=1e-12)


def test_truth_ratios_and_rouge_of_the_original_repository(shared: Path) -> None:
    for task, samples in read(shared, "eval_log_aggregated.first4.json").items():
        inverse = inverse_truth_ratio(
            list(samples["avg_paraphrased_loss"].values()), list(samples["average_perturb_loss"].values())
        )
        np.testing.assert_allclose(1 / inverse, list(samples["truth_ratio"].values()), rtol=1e-6, err_msg=task)
        for index, (_, said, gold) in samples["generated_text"].items():
            ours = rouge(gold, said, stemmer=True)
            assert ours.rougeL_recall == pytest.approx(samples["rougeL_recall"][index], rel=1e-12)


def test_losses_of_the_original_repository_are_averages_over_all_labelled_tokens(shared: Path) -> None:
    samples = read(shared, "eval_log_aggregated.first4.json")["eval_log.json"]
    for index, total in samples["gt_loss"].items():
        average = total / samples["num_token_gt"][index]
        ours = probability([samples["avg_gt_loss"][index]])[0]
        assert ours == pytest.approx(probability([average])[0], rel=1e-6)
