"""The rows of a sweep's table, and the losses that they are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.metrics.probability import normalised, probability
from eval.metrics.statistics import SplitScores
from eval.metrics.truth_ratio import truth_ratio
from eval.uld.grid import DifferenceMethod, GridSetting, Losses
from guard.uld.assistant import Assistant


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """One row of the table; a gated one is the unprotected model wherever the gate does not fire.

    forget_quality  p-value of the Kolmogorov-Smirnov test against the retain model; `distance` is its statistic
    ratio_mean, ratio_spread  mean and standard deviation of the logarithms of the truth ratios
    membership      AUC of the loss attack: forget answers against holdout ones, as they are served behind the gate
    """

    name: str
    setting: GridSetting
    gated: bool
    forget_quality: float
    distance: float
    ratio_mean: float
    ratio_spread: float
    membership: float
    utility: float | None
    forget: SplitScores
    retain: SplitScores | None


@dataclass(frozen=True, slots=True)
class SetLosses:
    """Losses of one set: of the answer [n], its paraphrase [n], and the wrong ones [n, answers]."""

    answer: Losses
    paraphrase: Losses
    wrong: Losses

    @classmethod
    def of(cls, table: Losses) -> SetLosses:
        """Return the losses of a table [n, 2 + answers]."""
        return cls(table[:, 0], table[:, 1], table[:, 2:])

    @property
    def ratios(self) -> NDArray[np.float64]:
        """The truth ratio of each question."""
        return truth_ratio(self.paraphrase, self.wrong)

    @property
    def likely(self) -> float:
        """The mean probability of the answers."""
        return float(probability(self.answer).mean())

    @property
    def preferred(self) -> float:
        """The mean probability of the answers among the right and wrong ones."""
        return float(normalised(probability(self.answer), probability(self.wrong)).mean())

    def where(self, fires: NDArray[np.bool_], otherwise: SetLosses) -> SetLosses:
        """Return these losses where `fires` [n] is true, and those of `otherwise` elsewhere."""
        return SetLosses(
            np.where(fires, self.answer, otherwise.answer),
            np.where(fires, self.paraphrase, otherwise.paraphrase),
            np.where(fires[:, None], self.wrong, otherwise.wrong),
        )


def label(setting: GridSetting, assistants: Sequence[Assistant]) -> str:
    """Return a setting's name in a table."""
    if setting.method is DifferenceMethod.NONE:
        return "unprotected"
    if setting.method is DifferenceMethod.DD_RANK:
        return f"DD rank, k {setting.strength:g}"
    if setting.method is DifferenceMethod.DD_LINEAR:
        return f"DD linear, alpha {setting.strength:g}"
    manifests = [a.manifest for a in assistants if a.digest in setting.assistants]
    seeds = "seed " if len(manifests) == 1 else "mean of seeds "
    seeds += " ".join(f"{one.seed}" for one in manifests)
    assistant = f"ULD {setting.assistants[0][:8]} (K {manifests[0].layers}, {seeds})"
    gate = f", gate {setting.gate:g}" if setting.gate else ""
    return f"{assistant}, alpha {setting.strength:g}, filter {setting.filter_rate:g}{gate}"
