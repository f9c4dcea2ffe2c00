from __future__ import annotations

import gzip
import json
from math import exp
from pathlib import Path
from statistics import fmean, harmonic_mean
from typing import Any

import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from eval.core.errors import BadLog, RetainLogRequired
from eval.rescore.rescore import Format, rescore

WRONG = 0.123456789
Log = dict[str, Any]


def by_index(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"agg_value": WRONG, "value_by_index": {str(index): row for index, row in enumerate(rows)}}


def prob(losses: list[Any]) -> dict[str, Any]:
    def row(loss: Any) -> dict[str, Any]:
        return {"prob": [exp(-x) for x in loss] if isinstance(loss, list) else exp(-loss), "avg_loss": loss}

    return by_index([row(loss) for loss in losses])


def rouge(scores: list[tuple[float, float]]) -> dict[str, Any]:
    return by_index(
        [
            {"rouge1_recall": WRONG, "rougeL_f1": f1, "rougeL_recall": recall, "generation": "x"}
            for recall, f1 in scores
        ]
    )


def score(values: list[Any]) -> dict[str, Any]:
    return by_index([{"score": value} for value in values])


def attack(forget: list[float], holdout: list[float]) -> dict[str, Any]:
    return {"forget": score(forget), "holdout": score(holdout), "auc": WRONG, "agg_value": WRONG}


def ratio(right: list[float], wrong: list[list[float]]) -> list[float]:
    return [exp(-fmean(w)) / (exp(-r) + 1e-10) for r, w in zip(right, wrong, strict=True)]


@pytest.fixture
def log() -> Log:
    right, wrong = [2.1, 0.4, 1.0], [[3.0, 2.5], [0.3, 0.1], [1.0, 1.2]]
    return {
        "exact_memorization": score([1.0, None, 0.25]),
        "extraction_strength": score([1.0, 0, 0.5]),
        "forget_Q_A_PARA_Prob": prob(right),
        "forget_Q_A_PERT_Prob": prob(wrong),
        "forget_Q_A_Prob": prob([0.1, 0.2, 0.7]),
        "forget_Q_A_ROUGE": rouge([(1.0, 0.3), (0.5, 0.2), (0.3, 0.1)]),
        "forget_quality": {"agg_value": WRONG},
        "forget_truth_ratio": score(ratio(right, wrong)),
        "mia_loss": attack([0.1, 0.2, 0.2], [0.2, 0.6]),
        "mia_min_k": attack([0.1, 0.9, 0.3], [0.4, 0.6]),
        "model_utility": {"agg_value": WRONG},
        "privleak": {"agg_value": WRONG},
        "ra_Q_A_Prob_normalised": by_index([{"prob": 0.4}, {"prob": 0.8}]),
        "ra_Q_A_ROUGE": rouge([(0.75, 0.3)]),
        "ra_Truth_Ratio": score([0.5, 2.0]),
        "retain_Q_A_Prob": prob([0.05, 0.15]),
        "retain_Q_A_ROUGE": rouge([(0.9, 0.5), (0.7, 0.5)]),
        "retain_Truth_Ratio": score([0.25, 0.25]),
        "wf_Q_A_Prob_normalised": by_index([{"prob": 0.5}]),
        "wf_Q_A_ROUGE": rouge([(0.5, 0.5)]),
        "wf_Truth_Ratio": score([0.5]),
    }


@pytest.fixture
def retain() -> Log:
    return {
        "forget_truth_ratio": score([0.9, 1.1, 1.3]),
        "mia_min_k": attack([0.5, 0.7], [0.4, 0.6, 0.8]),
        "forget_quality": {"agg_value": None},
    }


def saved(folder: Path, log: Any, name: str = "TOFU_EVAL.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(log), encoding="utf-8")
    return path


def test_every_aggregate_comes_from_the_samples(tmp_path: Path, log: Log, retain: Log) -> None:
    scores = rescore(saved(tmp_path, log), saved(tmp_path, retain, "retain.json"))
    ratios = [row["score"] for row in log["forget_truth_ratio"]["value_by_index"].values()]
    auc = roc_auc_score([0, 0, 0, 1, 1], [0.1, 0.9, 0.3, 0.4, 0.6])
    retain_auc = roc_auc_score([0, 0, 1, 1, 1], [0.5, 0.7, 0.4, 0.6, 0.8])
    nine = [fmean([exp(-0.05), exp(-0.15)]), 0.8, 0.75, 0.6, 0.75, 0.25, 0.5, 0.5, 0.5]
    expected = {
        "exact_memorization": 0.625,
        "extraction_strength": 0.5,
        "forget_Q_A_PARA_Prob": fmean(exp(-x) for x in (2.1, 0.4, 1.0)),
        "forget_Q_A_PERT_Prob": fmean(exp(-x) for x in (3.0, 2.5, 0.3, 0.1, 1.0, 1.2)),
        "forget_Q_A_Prob": fmean(exp(-x) for x in (0.1, 0.2, 0.7)),
        "forget_Q_A_ROUGE": 0.6,
        "forget_quality": ks_2samp(ratios, [0.9, 1.1, 1.3]).pvalue,
        "forget_truth_ratio": fmean(min(r, 1 / (r + 1e-10)) for r in ratios),
        "mia_loss": (0.5 + 0.5 + 1 + 1 + 1 + 1) / 6,
        "mia_min_k": auc,
        "model_utility": harmonic_mean(nine),
        "privleak": ((1 - auc) - (1 - retain_auc)) / (1 - retain_auc + 1e-10) * 100,
        "ra_Q_A_Prob_normalised": 0.6,
        "ra_Q_A_ROUGE": 0.75,
        "ra_Truth_Ratio": 0.25,
        "retain_Q_A_Prob": nine[0],
        "retain_Q_A_ROUGE": 0.8,
        "retain_Truth_Ratio": 0.75,
        "wf_Q_A_Prob_normalised": 0.5,
        "wf_Q_A_ROUGE": 0.5,
        "wf_Truth_Ratio": 0.5,
    }
    assert list(scores.values) == list(log)
    assert scores.values == pytest.approx(expected, rel=1e-12)
    assert scores.values["forget_quality"] == expected["forget_quality"]
    assert scores.notes == []


def test_muse_rouge_is_the_f_measure(tmp_path: Path) -> None:
    names = ("forget_knowmem_ROUGE", "forget_verbmem_ROUGE", "retain_knowmem_ROUGE")
    log = {name: rouge([(1.0, 0.25), (0.5, 0.75)]) for name in names}
    assert rescore(saved(tmp_path, log)).values == dict.fromkeys(names, 0.5)


def test_compressed_logs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "TOFU_EVAL.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"mia_loss": attack([0.1], [0.2])}).encode()))
    assert rescore(path).values == {"mia_loss": 1.0}


def test_a_forget_quality_cannot_be_recomputed_without_the_retain_log(tmp_path: Path, log: Log) -> None:
    with pytest.raises(RetainLogRequired, match="forget_quality") as refused:
        rescore(saved(tmp_path, log))
    assert refused.value.code == "retain_log_required"


def test_without_a_retain_log_a_null_forget_quality_is_left_out_and_privleak_assumes_one_half(
    tmp_path: Path, log: Log
) -> None:
    log["forget_quality"]["agg_value"] = None
    scores = rescore(saved(tmp_path, log))
    assert "forget_quality" not in scores.values
    assert scores.values["privleak"] == pytest.approx((1 - scores.values["mia_min_k"] - 0.5) / 0.5 * 100, rel=1e-8)
    assert [note.split(":")[0] for note in scores.notes] == ["forget_quality", "privleak"]


def test_a_retain_log_without_the_attack_leaves_privleak_at_the_default(
    tmp_path: Path, log: Log, retain: Log
) -> None:
    del retain["mia_min_k"]
    scores = rescore(saved(tmp_path, log), saved(tmp_path, retain, "retain.json"))
    assert scores.values["privleak"] == pytest.approx((1 / 3 - 0.5) / 0.5 * 100, rel=1e-8)
    assert any("no mia_min_k in the retain log" in note for note in scores.notes)


def test_different_sample_counts_are_noted(tmp_path: Path, log: Log, retain: Log) -> None:
    retain["forget_truth_ratio"] = score([0.9, 1.1])
    scores = rescore(saved(tmp_path, log), saved(tmp_path, retain, "retain.json"))
    assert scores.notes == ["forget_quality: 3 samples compared with 2 of the retain log"]


def test_a_metric_without_samples_is_left_out_and_named(tmp_path: Path) -> None:
    scores = rescore(saved(tmp_path, {"mia_loss": attack([0.1], [0.2]), "mmlu": {"agg_value": 0.4}}))
    assert scores.values == {"mia_loss": 1.0}
    assert scores.notes == ["mmlu: left out, the log has no per-sample values of it"]


def test_the_newer_truth_ratio_is_averaged_unchanged(tmp_path: Path, log: Log) -> None:
    right, wrong = [2.1, 0.4, 1.0], [2.75, 0.2, 1.1]
    known = [exp(-r) / (exp(-r) + exp(-w) + 1e-10) for r, w in zip(right, wrong, strict=True)]
    newer = {name: log[name] for name in ("forget_Q_A_PARA_Prob", "forget_Q_A_PERT_Prob")}
    scores = rescore(saved(tmp_path, newer | {"forget_truth_ratio": score(known)}))
    assert scores.values["forget_truth_ratio"] == pytest.approx(fmean(known), rel=1e-12)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mia_loss": {"forget": score([1.0])}}, "mia_loss: holdout is missing"),
        ({"mia_loss": attack([], [1.0])}, "mia_loss.forget.value_by_index: no samples"),
        ({"retain_Q_A_Prob": by_index([{"loss": 1.0}])}, "retain_Q_A_Prob.value_by_index.0: none of prob"),
        ({"retain_Q_A_Prob": by_index([{"prob": "high"}])}, "0.prob: a number was expected"),
        ({"retain_Q_A_Prob": by_index([{"prob": None}])}, "retain_Q_A_Prob.value_by_index: no samples"),
        ({"retain_Q_A_Prob": 0.5}, "retain_Q_A_Prob: an object was expected"),
        ({"wf_Q_A_ROUGE": {"agg_value": 0.5}}, "wf_Q_A_ROUGE with its value_by_index is missing"),
        ({"mia_min_k": {"agg_value": 0.5}}, "mia_min_k with its forget and holdout scores is missing"),
    ],
)
def test_a_malformed_member_is_named(tmp_path: Path, log: Log, retain: Log, change: Log, reason: str) -> None:
    with pytest.raises(BadLog, match=reason):
        rescore(saved(tmp_path, log | change), saved(tmp_path, retain, "retain.json"))


@pytest.mark.parametrize("content", ["{}", "[]", '"text"', '{"a": 1}', '{"a": {"b": 1}}'])
def test_a_file_of_another_schema_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(BadLog, match="not an open-unlearning log"):
        rescore(path, format=Format.OPENUNLEARNING)


def test_a_missing_file_or_other_text_than_json_is_refused(tmp_path: Path, log: Log) -> None:
    (tmp_path / "torn.json").write_text('{"a":\n')
    with pytest.raises(BadLog, match=r"torn.json: not JSON \(.*line 2\)"):
        rescore(tmp_path / "torn.json")
    with pytest.raises(BadLog, match=r"missing.json: no such file"):
        rescore(tmp_path / "missing.json")
    with pytest.raises(BadLog, match=r"retain.json: no such file"):
        rescore(saved(tmp_path, log), tmp_path / "retain.json")


def test_a_retain_log_of_another_format_is_refused(tmp_path: Path, log: Log) -> None:
    with pytest.raises(BadLog, match=r"retain.json: not an open-unlearning log"):
        rescore(saved(tmp_path, log), saved(tmp_path, {"eval_log_forget.json": {}}, "retain.json"))


def copies(log: Log, tmp_path: Path) -> dict[str, Path]:
    """The same log under other names, spellings and summaries."""
    plain = saved(tmp_path, log)
    link, packed = tmp_path / "link.json", tmp_path / "packed.json.gz"
    link.symlink_to(plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    other = {
        name: {**metric, "agg_value": 0.5} if "agg_value" in metric else metric for name, metric in log.items()
    }
    part = {name: log[name] for name in ("forget_truth_ratio", "mia_min_k")}
    nan = {**log, "forget_truth_ratio": score([0.5, float("nan"), 1.5])}
    return {
        "itself": plain,
        "a link": link,
        "packed": packed,
        "another order": saved(tmp_path, dict(reversed(log.items())), "order.json"),
        "other summaries": saved(tmp_path, other, "other.json"),
        "a part of it": saved(tmp_path, part, "part.json"),
        "with NaN": saved(tmp_path, nan, "nan.json"),
    }


@pytest.mark.parametrize(
    "copy", ["itself", "a link", "packed", "another order", "other summaries", "a part of it"]
)
def test_a_retain_log_that_is_the_log_itself_is_refused(tmp_path: Path, log: Log, copy: str) -> None:
    with pytest.raises(BadLog, match="the retain log is the log itself"):
        rescore(saved(tmp_path, log), copies(log, tmp_path)[copy])


def test_a_log_with_nan_is_known_as_itself(tmp_path: Path, log: Log) -> None:
    same = copies(log, tmp_path)["with NaN"]
    copied = tmp_path / "copied.json"
    copied.write_bytes(same.read_bytes())
    with pytest.raises(BadLog, match="the retain log is the log itself"):
        rescore(same, copied)


def test_a_retain_log_that_agrees_in_one_metric_is_another(tmp_path: Path, log: Log, retain: Log) -> None:
    retain["mia_min_k"] = log["mia_min_k"]
    assert rescore(saved(tmp_path, log), saved(tmp_path, retain, "retain.json")).values
