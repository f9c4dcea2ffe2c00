"""open-unlearning's TOFU_SUMMARY.json and MUSE_SUMMARY.json, computed anew."""

from __future__ import annotations

import numpy as np

from eval.errors import BadLog, RetainLogRequired
from eval.logs.openunlearning import OpenUnlearningLog, Samples
from eval.metrics.forget_quality import forget_quality
from eval.metrics.membership import auc
from eval.metrics.privleak import DEFAULT_RETAIN_AUC, privleak
from eval.metrics.truth_ratio import closer_to_one, knowledge, true_better
from eval.metrics.utility import SplitScores, model_utility
from eval.scores import Scores

_FORGET_RATIO = "forget_truth_ratio"
_PRIVLEAK_ATTACK = "mia_min_k"
_UTILITY = (
    ("retain_Q_A_Prob", "retain_Q_A_ROUGE", "retain_Truth_Ratio"),
    ("ra_Q_A_Prob_normalised", "ra_Q_A_ROUGE", "ra_Truth_Ratio"),
    ("wf_Q_A_Prob_normalised", "wf_Q_A_ROUGE", "wf_Truth_Ratio"),
)


def summarise_openunlearning(log: OpenUnlearningLog, retain: OpenUnlearningLog | None) -> Scores:
    """One number for each metric of the log, in its order and under its names.

    A metric that is null in the log for want of a retain log is left out unless one is given; one that has a value
    and needs a retain log raises RetainLogRequired without it. PrivLeak alone has a default, which is noted.
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
    values = _samples(name, log).values
    if name.lower().endswith("truth_ratio") and not _is_knowledge(name, log):
        return closer_to_one(values) if name.startswith("forget") else true_better(values)
    return float(np.mean(values))


def _is_knowledge(name: str, log: OpenUnlearningLog) -> bool:
    # Since December 2025 a configuration may ask for P_correct / (P_correct + P_wrong) under the same name; only
    # the per-sample values tell which was asked for.
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


def _samples(name: str, log: OpenUnlearningLog) -> Samples:
    samples = log.samples.get(name)
    if samples is None:
        raise BadLog(f"{log.file}: {name} with its value_by_index is missing")
    return samples


def _utility(log: OpenUnlearningLog) -> float:
    retain, authors, facts = (SplitScores(*(_mean(name, log) for name in names)) for names in _UTILITY)
    return model_utility(retain, authors, facts)


def _forget_quality(log: OpenUnlearningLog, retain: OpenUnlearningLog | None, notes: list[str]) -> float | None:
    if retain is None:
        if log.derived["forget_quality"]:
            raise RetainLogRequired(f"{log.file}: forget_quality needs the retain model's log (--retain-log)")
        notes.append("forget_quality: left out, null in the log and no --retain-log given")
        return None
    model, reference = _samples(_FORGET_RATIO, log).values, _samples(_FORGET_RATIO, retain).values
    if len(model) != len(reference):
        notes.append(f"forget_quality: {len(model)} samples compared with {len(reference)} of the retain log")
    return forget_quality(model, reference).p_value


def _privleak(log: OpenUnlearningLog, retain: OpenUnlearningLog | None, notes: list[str]) -> float:
    score = _auc(_PRIVLEAK_ATTACK, log)
    if retain is not None and _PRIVLEAK_ATTACK in retain.names:
        return privleak(score, _auc(_PRIVLEAK_ATTACK, retain))
    lacking = "no --retain-log given" if retain is None else f"no {_PRIVLEAK_ATTACK} in the retain log"
    notes.append(f"privleak: {lacking}, reference AUC {DEFAULT_RETAIN_AUC} as open-unlearning has it")
    return privleak(score)
