"""MUSE's table from samples: the authors' columns, times 100 as they have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from eval.core.sample import Key, Sample
from eval.metrics.membership import MUSE_RETRAIN_AUC, Corpus, auc, muse_privleak
from eval.report.cell import Cell, cell
from eval.report.tofu import Cells, samples_of, touched

_ROUGE: Final = {"verbmem_f": "verbmem", "knowmem_f": "knowmem_forget", "knowmem_r": "knowmem_retain"}
_SETS: Final = (*_ROUGE.values(), "privleak_forget", "privleak_holdout")


def cells(
    samples: Mapping[Key, Sample], run: str, retain: str | None, corpus: Corpus, no_likelihood: str = ""
) -> Cells:
    """The criteria of `run`; PrivLeak against the run `retain`, or the authors' constant where there is none."""
    table = {name: _rouge(samples_of(samples, run, task)) for name, task in _ROUGE.items()}
    table["longest_quote"] = _longest_quote(samples_of(samples, run, "verbmem"))
    table["auc_min_k"] = _auc(samples, run, no_likelihood)
    table["privleak"] = _privleak(table["auc_min_k"], samples, retain, corpus)
    sets = {name: samples_of(samples, run, name) for name in _SETS}
    return table | {f"{name}_touched": touched(rows) for name, rows in sets.items()}


def _rouge(rows: Sequence[Sample]) -> Cell:
    scores = [score for row in rows if (score := row.number("rougeL_f1")) is not None]
    return cell(lambda: float(np.mean(scores)) * 100) if scores else Cell(None, "no samples")


def _longest_quote(rows: Sequence[Sample]) -> Cell:
    words = [count for row in rows if (count := row.number("quoted_words")) is not None]
    return Cell(max(words)) if words else Cell(None, "no samples")


def _auc(samples: Mapping[Key, Sample], run: str, no_likelihood: str) -> Cell:
    forget, holdout = (_min_k(samples_of(samples, run, f"privleak_{side}")) for side in ("forget", "holdout"))
    if not forget or not holdout:
        return Cell(None, no_likelihood or "no samples")
    unsayable = int(np.isinf(forget).sum()), int(np.isinf(holdout).sum())
    note = f"cannot be said, and rank as least likely: {unsayable[0]} forget and {unsayable[1]} holdout texts"
    # The authors count the forget set as not trained on: their AUC is ours with the sets exchanged.
    return cell(lambda: auc(holdout, forget), note if any(unsayable) else "")


def _min_k(rows: Sequence[Sample]) -> list[float]:
    return [score for row in rows if (score := row.number("min_k")) is not None]


def _privleak(mine: Cell, samples: Mapping[Key, Sample], retain: str | None, corpus: Corpus) -> Cell:
    if mine.value is None:
        return mine
    score = mine.value
    reference = _auc(samples, retain, "").value if retain else None
    if reference is None:
        constant = MUSE_RETRAIN_AUC[corpus]
        return Cell(muse_privleak(score, constant), f"against the authors' retrained model, AUC {constant:.4f}")
    return cell(lambda: muse_privleak(score, reference), mine.note)
