"""What is served in place of a target model's next-token distribution, given those of other models.

Every rule takes what `log_probabilities` makes of the models' logits, float [rows, width], and returns
log-probabilities of that shape. `subtracted` takes logits as well, which carry another constant in each row, and
then returns logits. In each row

* tokens of the mask `pinned`, bool [width] (special tokens: the end of a text is the target's own affair), and
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

# So small a part of the vocabulary is worked on alone.
_FEW = 4

Strength = torch.Tensor | float
"""One number for all rows, or float [rows, 1]."""


def log_probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Return the log-softmax of each row, in float32 at least; a row of -inf, which forbids everything, stays."""
    scores = logits if logits.dtype == torch.float64 else logits.float()
    dead = torch.isneginf(scores.amax(-1, keepdim=True))
    return torch.log_softmax(scores, dim=-1).masked_fill(dead, float("-inf"))


def subtracted(
    target: torch.Tensor, assistant: torch.Tensor, alpha: Strength, rate: Strength, pinned: torch.Tensor
) -> torch.Tensor:
    """ULD: log p_target - alpha * log p_assistant on the tokens that the filter at `rate` keeps.

    The filter keeps tokens of at least `rate` times the most likely one's probability, and the rate * width most
    likely in any case: a model that has memorised an answer would otherwise keep that answer alone. 0 keeps all.
    """
    best, counts = _best(target, rate, beyond=1)
    floor = _floor(best.values, counts, rate)
    if bool((best.values[:, -1:] < floor).all()):
        values, tokens = best
    else:
        kept = target >= floor
        most = int(kept.sum(-1).max())
        if most > target.shape[-1] // _FEW:
            return _share(target, target - alpha * assistant, kept & ~pinned)
        values, tokens = target.topk(most, dim=-1)
    changed = values - alpha * assistant.gather(-1, tokens)
    return target.scatter(-1, tokens, _share(values, changed, (values >= floor) & ~pinned[tokens]))


def threshold(log_p: torch.Tensor, rate: Strength) -> torch.Tensor:
    """Return the least log-probability [rows, 1] that ULD's filter keeps in each row of log_p [rows, width]."""
    best, counts = _best(log_p, rate)
    return _floor(best.values, counts, rate)


class _Best(NamedTuple):
    values: torch.Tensor
    tokens: torch.Tensor


def _best(scores: torch.Tensor, rate: Strength, beyond: int = 0) -> tuple[_Best, torch.Tensor]:
    """Return the likeliest tokens, as many as any row keeps and some `beyond`, and how many each row keeps."""
    width = scores.shape[-1]
    rates = torch.as_tensor(rate, dtype=torch.float64, device=scores.device).expand(scores.shape[0], 1)
    counts = (rates * width + 1e-9).long().clamp(1, width)
    return _Best(*scores.topk(min(int(counts.max()) + beyond, width), dim=-1)), counts


def _floor(best: torch.Tensor, counts: torch.Tensor, rate: Strength) -> torch.Tensor:
    rates = torch.as_tensor(rate, dtype=best.dtype, device=best.device)
    return torch.minimum(best.gather(-1, counts - 1), best[:, :1] + rates.log())


def diverged(
    target: torch.Tensor, retain: torch.Tensor, forget: torch.Tensor, alpha: Strength, pinned: torch.Tensor
) -> torch.Tensor:
    """Divergence Decoding, linear: log p_target + alpha * (log p_retain - log p_forget)."""
    return _share(target, target + alpha * (retain - forget), ~pinned)


def outranked(
    target: torch.Tensor, retain: torch.Tensor, forget: torch.Tensor, count: int, pinned: torch.Tensor
) -> torch.Tensor:
    """Divergence Decoding, rank: forbids the `count` tokens that the forget model prefers most.

    No pinned token is among them.
    """
    preferred = (forget - retain).masked_fill(pinned, float("-inf"))
    banned = preferred.topk(count, dim=-1).indices
    return _share(target, target.scatter(-1, banned, float("-inf")), ~pinned)


def _share(target: torch.Tensor, changed: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
    """Give what is `free` the target's mass of it, in proportion to `changed`, which is overwritten."""
    held, never = ~free, float("-inf")
    total = changed.masked_fill_(held, never).logsumexp(-1, keepdim=True)
    mass = target.masked_fill(held, never).logsumexp(-1, keepdim=True)
    changed += torch.where(torch.isneginf(total), 0.0, mass - total)
    return torch.where(free, changed, target)
