"""ROUGE as TOFU, MUSE and WPU compute it: the rouge_score package, gold text first."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from rouge_score.rouge_scorer import RougeScorer


class Rouge(NamedTuple):
    """The three numbers the benchmarks use, named as open-unlearning names them."""

    rouge1_recall: float
    rougeL_f1: float  # noqa: N815
    rougeL_recall: float  # noqa: N815


@cache
def _scorer(stemmer: bool) -> RougeScorer:
    return RougeScorer(["rouge1", "rougeL"], use_stemmer=stemmer)


def rouge(gold: str, generated: str, *, stemmer: bool) -> Rouge:
    """ROUGE of a generated text.

    TOFU and WPU: `rougeL_recall`, stemmer on. MUSE: `rougeL_f1`, stemmer off in the authors' code and on in
    open-unlearning's.
    """
    scores = _scorer(stemmer).score(gold, generated)
    return Rouge(scores["rouge1"].recall, scores["rougeL"].fmeasure, scores["rougeL"].recall)
