"""PrivLeak: how far the membership AUC is from that of a model that never saw the forget set, in percent.

Negative where the model still shows what it was trained on (under-unlearning), positive where it shows that
something was removed (over-unlearning), 0 for the retain model.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

_EPSILON = 1e-10

DEFAULT_RETAIN_AUC: Final = 0.5
"""What open-unlearning takes where it has no log of a retain model."""


class Corpus(StrEnum):
    """The two corpora of MUSE."""

    NEWS = "news"
    BOOKS = "books"


MUSE_RETRAIN_AUC: Final = {Corpus.NEWS: 0.47719999999999996, Corpus.BOOKS: 0.5392999999999999}
"""AUC of the retrained models, in the MUSE authors' direction (their constants.py, forget_holdout_Min-40%)."""


def privleak(auc: float, retain_auc: float = DEFAULT_RETAIN_AUC) -> float:
    """open-unlearning's: both AUC in its direction (membership.auc), turned to 1 - AUC here."""
    score, reference = 1 - auc, 1 - retain_auc
    return (score - reference) / (reference + _EPSILON) * 100


def muse_privleak(auc: float, retrain_auc: float) -> float:
    """The MUSE authors': both AUC in their direction, 1 - membership.auc."""
    return (auc - retrain_auc) / retrain_auc * 100
