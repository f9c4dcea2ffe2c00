"""Logit difference in transformers' `generate`: the reference that the engine is compared with."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers import DynamicCache, LogitsProcessor

from guard.uld.logit_difference import Strength, log_probabilities, uld
from guard.uld.truncated_model import TruncatedModel


class DifferenceProcessor(LogitsProcessor):  # type: ignore[misc]
    """Subtracts one assistant in all rows, with strength `alpha`, a number or float [rows, 1]; 0 changes nothing.

    `prompts` is the attention mask, int64 [prompts, length], of prompts padded on the left. If `generate` makes
    several rows of a prompt, they are adjacent. Use an instance for one call of `generate`; it may reorder rows.
    """

    def __init__(
        self,
        truncated_model: TruncatedModel,
        adapter: Mapping[str, nn.Parameter],
        prompts: torch.Tensor,
        alpha: Strength,
        filter_rate: Strength,
        pinned: torch.Tensor,
    ) -> None:
        self._truncated_model = truncated_model
        self._adapter = adapter
        self._prompts = prompts
        self._alpha = alpha
        self._filter_rate = filter_rate
        self._pinned = pinned
        self._cache = DynamicCache()
        self._read: torch.Tensor | None = None

    @torch.inference_mode()
    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the log-probabilities served instead of scores [rows, width] after input_ids [rows, length]."""
        repeats = input_ids.shape[0] // self._prompts.shape[0]
        assistant = self._assistant_logits(input_ids, self._prompts.repeat_interleave(repeats, 0))
        alpha = self._alpha.repeat_interleave(repeats, 0) if isinstance(self._alpha, torch.Tensor) else self._alpha
        target, assistant = log_probabilities(scores), log_probabilities(assistant)
        return uld(target, assistant, alpha, self._filter_rate, self._pinned)

    def _assistant_logits(self, tokens: torch.Tensor, prompts: torch.Tensor) -> torch.Tensor:
        length = tokens.shape[1]
        ones = torch.ones(len(tokens), length - prompts.shape[1], dtype=prompts.dtype, device=prompts.device)
        mask = torch.cat([prompts, ones], 1)
        read = self._read
        if read is None or read.shape[0] != len(tokens) or not torch.equal(read, tokens[:, : read.shape[1]]):
            self._cache, first = DynamicCache(), 0
        else:
            first = read.shape[1]
        positions = (mask.cumsum(1) - 1).clamp_min(0)[:, first:]
        self._truncated_model.activate(self._adapter)
        states = self._truncated_model.hidden(
            tokens[:, first:],
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
        )
        self._read = tokens
        return self._truncated_model.logits(states[:, -1])
