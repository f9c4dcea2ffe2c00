"""Options of the methods of logit difference: extra models, and how strongly they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.core.errors import BadRun
from eval.core.provenance import digest_of_model
from eval.methods.method import ASSISTED, DIFFERENCES, MethodName


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitDifferenceOptions:
    """The extra models of logit difference and their strengths; see guard.uld.logit_difference.

    assistant           folder of ULD's assistant, named by its digest
    alpha, filter_rate  ULD's strength and filter rate; None for the assistant's own
    dd_retain, dd_forget  folders of Divergence Decoding's models, trained without and with the forget set
    dd_alpha, dd_rank   its strength (linear), and how many tokens it forbids (rank)
    """

    assistant: Path | None = None
    alpha: float | None = None
    filter_rate: float | None = None
    dd_retain: str = ""
    dd_forget: str = ""
    dd_alpha: float = 1.5
    dd_rank: int = 20

    def check(self, methods: Sequence[MethodName]) -> None:
        """Raise BadRun where an option that these methods need is missing."""
        if ASSISTED & set(methods) and not (self.assistant and self.assistant.is_dir()):
            raise BadRun("the methods uld and guard-uld need --assistant, the folder of a trained assistant")
        if {MethodName.DD_LINEAR, MethodName.DD_RANK} & set(methods) and not (self.dd_retain and self.dd_forget):
            raise BadRun("dd-linear and dd-rank need --dd-retain and --dd-forget, the folders of two models")

    def config(self, methods: Sequence[MethodName]) -> dict[str, Any]:
        """Return what the numbers of these methods depend on; empty without a method of logit difference."""
        if not DIFFERENCES & set(methods):
            return {}
        return {
            "assistant": self.assistant.name if self.assistant else "",
            "alpha": self.alpha,
            "filter_rate": self.filter_rate,
            "dd_retain": digest_of_model(self.dd_retain) if self.dd_retain else "",
            "dd_forget": digest_of_model(self.dd_forget) if self.dd_forget else "",
            "dd_alpha": self.dd_alpha,
            "dd_rank": self.dd_rank,
        }
