"""Prefill of a batch of prompts, with a shared prefix computed once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

# In tokens: a shorter common prefix costs more to copy to the rows than it saves.
_MIN_SHARED_PREFIX = 32


class Prefill(NamedTuple):
    """The model's state after each prompt; shorter prompts are padded on the left.

    logits     float [rows, width], of the next token
    cache      keys and values
    attention  int64 [rows, positions], 0 where a row is padded
    lengths    int64 [rows]
    """

    logits: torch.Tensor
    cache: Any
    attention: torch.Tensor
    lengths: torch.Tensor

    def rows(self, chosen: torch.Tensor) -> Prefill:
        """Return these rows, in this order and with repetitions; this prefill is not changed."""
        cache = copy.copy(self.cache)
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        cache.batch_select_indices(chosen)
        return Prefill(self.logits[chosen], cache, self.attention[chosen], self.lengths[chosen])


def prefill(model: Any, prompts: Sequence[Sequence[int]]) -> Prefill:
    """Run the prompts; a long prefix that all of them share is computed once."""
    shared = _shared(prompts)
    longest = max(map(len, prompts)) - shared
    ids = torch.zeros(len(prompts), longest, dtype=torch.long)
    own = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        rest = prompt[shared:]
        ids[row, longest - len(rest) :] = torch.tensor(rest)
        own[row, longest - len(rest) :] = 1
    cache = None
    if shared:
        cache = model(torch.tensor([prompts[0][:shared]]), use_cache=True, logits_to_keep=1).past_key_values
        cache.batch_repeat_interleave(len(prompts))
    attention = torch.cat([torch.ones(len(prompts), shared, dtype=torch.long), own], dim=1)
    read = model(
        input_ids=ids,
        attention_mask=attention,
        position_ids=(attention.cumsum(dim=1) - 1).clamp(min=0)[:, shared:],
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return Prefill(read.logits[:, -1], read.past_key_values, attention, attention.sum(dim=1))


def _shared(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many tokens are computed once for all prompts; each keeps at least one of its own."""
    limit = min(map(len, prompts)) - 1
    columns = zip(*(prompt[:limit] for prompt in prompts), strict=True)
    alike = next((place for place, column in enumerate(columns) if len(set(column)) > 1), limit)
    return alike if alike >= _MIN_SHARED_PREFIX and len(prompts) > 1 else 0
