"""The columns of the MUSE authors' table, computed anew: all times 100."""

from __future__ import annotations

import numpy as np

from eval.errors import BadLog
from eval.logs.muse import MuseLog, Part
from eval.metrics.membership import auc
from eval.metrics.privleak import MUSE_RETRAIN_AUC, muse_privleak
from eval.scores import Scores


def summarise_muse(log: MuseLog, retain: MuseLog | None) -> Scores:
    """A column for each log there is; PrivLeak against the retain log, or the authors' constant for the corpus."""
    scores = Scores()
    for part in Part:
        if part in log.rouge:
            scores.values[part.value] = float(np.mean(log.rouge[part])) * 100
    score = _auc(log)
    if score is not None:
        reference = _reference(log, retain, scores.notes)
        if reference is not None:
            scores.values[Part.PRIVLEAK.value] = muse_privleak(score, reference)
    return scores


def _auc(log: MuseLog) -> float | None:
    if log.forget_min_k is None or log.holdout_min_k is None:
        return None
    # The authors count the forget set as not trained on: their AUC is ours with the sets exchanged.
    return auc(log.holdout_min_k, log.forget_min_k)


def _reference(log: MuseLog, retain: MuseLog | None, notes: list[str]) -> float | None:
    if retain is not None:
        reference = _auc(retain)
        if reference is None:
            raise BadLog("the retain log has no privleak scores")
        return reference
    if log.corpus is None:
        notes.append("privleak: left out, no --retain-log given and neither news nor books can be made out")
        return None
    reference = MUSE_RETRAIN_AUC[log.corpus]
    notes.append(
        f"privleak: no --retain-log given, reference AUC {reference:.4f} of the {log.corpus} retrained model"
    )
    return reference
