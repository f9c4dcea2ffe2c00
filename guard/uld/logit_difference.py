"""Logit difference: what is served in place of a target model's distribution, given those of other models.

Every rule takes what `log_probabilities` makes of the models' logits, float [rows, width], and returns
log-probabilities of that shape. `uld` takes logits as well, which differ by a constant per row, and then
returns logits. In each row

* tokens of the mask `pinned`, bool [width] (special tokens: only the target decides where a text ends), and
  tokens that a filter leaves out keep the target's log-probability;
* the others share the target's remaining mass in proportion to the changed scores;
* a token that the target forbids (-inf) stays forbidden;
* NaN in the logits of any model that is added or subtracted makes NaN of the row: callers must close it.

So the result is a distribution of finite log-probabilities wherever the target's is, the same for sampling as for
scoring. Sources: ULD, arXiv 2406.08607; Divergence Decoding, arXiv 2605.31293.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

# If the filter keeps at most 1 / 4 of the vocabulary, only that part is computed.
_TOPK_DIVISOR = 4

Strength = torch.Tensor | float
"""One number for all rows, or float [rows, 1]."""


def log_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Return the log-softmax of each row, in float32 or float64; a row of only -inf stays as it is."""
    scores = logits if logits.dtype == torch.float64 else logits.float()
    dead = torch.isneginf(scores.amax(-1, keepdim=True))
    return torch.log_softmax(scores, dim=-1).masked_fill(dead, float("-inf"))


def uld(
    target: torch.Tensor, assistant: torch.Tensor, alpha: Strength, rate: Strength, pinned: torch.Tensor
) -> torch.Tensor:
    """ULD: log p_target - alpha * log p_assistant on the tokens that the filter at `rate` keeps.

    The filter keeps tokens of at least `rate` times the most likely one's probability, and the rate * width most
    likely in any case: a model that has memorised an answer would otherwise keep only that answer. 0 keeps all.
    """
    best, counts = _best(target, rate, extra=1)
    floor = _floor(best.values, counts, rate)
    if bool((best.values[:, -1:] < floor).all()):
        values, tokens = best
    else:
        kept = target >= floor
        count = int(kept.sum(-1).max())
        if count > target.shape[-1] // _TOPK_DIVISOR:
            return _share(target, target - alpha * assistant, kept & ~pinned)
        values, tokens = target.topk(count, dim=-1)
    changed = values - alpha * assistant.gather(-1, tokens)
    return target.scatter(-1, tokens, _share(values, changed, (values >= floor) & ~pinned[tokens]))


class _Best(NamedTuple):
    values: torch.Tensor
    tokens: torch.Tensor


def _best(scores: torch.Tensor, rate: Strength, extra: int) -> tuple[_Best, torch.Tensor]:
    """Return the likeliest tokens, as many as any row keeps plus `extra`, and how many each row keeps."""
    width = scores.shape[-1]
    rates = torch.as_tensor(rate, dtype=torch.float64, device=scores.device).expand(scores.shape[0], 1)
    counts = (rates * width + 1e-9).long().clamp(1, width)
    return _Best(*scores.topk(min(int(counts.max()) + extra, width), dim=-1)), counts


def _floor(best: torch.Tensor, counts: torch.Tensor, rate: Strength) -> torch.Tensor:
    rates = torch.as_tensor(rate, dtype=best.dtype, device=best.device)
    return torch.minimum(best.gather(-1, counts - 1), best[:, :1] + rates.log())


def dd_linear(
    target: torch.Tensor, retain: torch.Tensor, forget: torch.Tensor, alpha: Strength, pinned: torch.Tensor
) -> torch.Tensor:
    """Divergence Decoding, linear: log p_target + alpha * (log p_retain - log p_forget)."""
    return _share(target, target + alpha * (retain - forget), ~pinned)


def dd_rank(
    target: torch.Tensor, retain: torch.Tensor, forget: torch.Tensor, count: int, pinned: torch.Tensor
) -> torch.Tensor:
    """Divergence Decoding, rank: forbids the `count` tokens that the forget model prefers most.

    No pinned token is among them.
    """
    preferred = (forget - retain).masked_fill(pinned, float("-inf"))
    forbidden = preferred.topk(count, dim=-1).indices
    return _share(target, target.scatter(-1, forbidden, float("-inf")), ~pinned)


def _share(target: torch.Tensor, changed: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
    """Share the target's mass on the `free` tokens among them, in proportion to `changed`, which is modified."""
    held, never = ~free, float("-inf")
    total = changed.masked_fill_(held, never).logsumexp(-1, keepdim=True)
    mass = target.masked_fill(held, never).logsumexp(-1, keepdim=True)
    changed += torch.where(torch.isneginf(total), 0.0, mass - total)
    return torch.where(free, changed, target)
