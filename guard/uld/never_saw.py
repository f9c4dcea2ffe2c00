"""Training towards a model that never saw the texts: the target less the assistant is to be its distribution."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from guard.errors import ModelUnavailable
from guard.uld.truncated_model import TruncatedModel, depth


class NeverSaw:
    """The target and a model that never saw what is to be forgotten, over one tokenizer; both stay as they are."""

    def __init__(
        self, target: str | Path, never_saw: str | Path, ends: Sequence[int], device: torch.device
    ) -> None:
        """Raise ModelUnavailable when one does not load, or they have different vocabularies.

        `ends` are the tokens of which the target alone decides, so that nothing is learnt about them.
        """
        self._models = [
            TruncatedModel(folder, depth(folder), torch.float32, device) for folder in (target, never_saw)
        ]
        if len({model.width for model in self._models}) > 1:
            raise ModelUnavailable("the model that never saw the texts has another vocabulary")
        self._ends = torch.tensor(sorted(ends), dtype=torch.int64, device=device)

    def divergence(self, assistant: torch.Tensor, tokens: torch.Tensor, scored: torch.Tensor) -> torch.Tensor:
        """Return KL(never saw || target less assistant) in nats before each scored token, float32 [scored].

        assistant  its logits there, [scored, width]
        tokens     int64 [rows, length]
        scored     bool [rows, length]
        """
        with torch.no_grad():
            target, wanted = (self._log_p(model, tokens, scored) for model in self._models)
        given = self._renormalised(target - functional.log_softmax(assistant, dim=-1))
        wanted = self._renormalised(wanted)
        return (wanted.exp() * (wanted - given).masked_fill(torch.isneginf(wanted), 0.0)).sum(-1)

    def _log_p(self, model: TruncatedModel, tokens: torch.Tensor, scored: torch.Tensor) -> torch.Tensor:
        states: Any = model.hidden(tokens, use_cache=False)[scored]
        return functional.log_softmax(model.logits(states), dim=-1)

    def _renormalised(self, log_p: torch.Tensor) -> torch.Tensor:
        return functional.log_softmax(log_p.index_fill(-1, self._ends, float("-inf")), dim=-1)
