"""Masks put to a tensor of logits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from guard.decoding.batch import Batch

MASS = 0.5
"""The share of a row's mass on what is forbidden from which on the model counts as heading into a phrase."""
_NEVER = float("-inf")


def mask(logits: torch.Tensor, batch: Batch, eos: tuple[int, ...]) -> None:
    """Forbid in place what `batch` forbids; logits are float [rows, width], of any stride.

    A closed row may only end, and so may a restricted row that has no token left: a sampler would draw
    token 0 from logits that are all -inf. Rows that head into a phrase they have begun, and are to be begun anew,
    may only say so (see guard.decoding.backtracking).
    """
    width = logits.shape[-1]
    masks = batch.masks(width)
    nothing = not len(masks.tokens) and masks.past == width
    if not len(masks.closed) and (nothing or not len(masks.restricted)):
        return
    arrays = (masks.rows, masks.tokens, masks.restricted, masks.closed)
    row, token, restricted, closed = (torch.from_numpy(array).to(logits.device) for array in arrays)
    ends = torch.tensor(eos, device=logits.device)
    heading = [heads(logits[one.row], torch.from_numpy(one.completing)) for one in masks.headings]
    logits[row, token] = _NEVER
    logits[:, masks.past :].index_fill_(0, restricted, _NEVER)
    # No branch on what is dead: it would wait for the device at every step.
    dead = torch.isneginf(logits.amax(-1, keepdim=True)[restricted])
    cells = restricted[:, None], ends
    logits[cells] = logits[cells].masked_fill(dead, 0.0)
    logits[closed] = _NEVER
    logits[closed[:, None], ends] = 0.0
    for one, is_heading in zip(masks.headings, heading, strict=True):
        alone = torch.full_like(logits[one.row], _NEVER)
        alone[one.token] = 0.0
        logits[one.row] = torch.where(is_heading, alone, logits[one.row])


def heads(logits: torch.Tensor, completing: torch.Tensor) -> torch.Tensor:
    """Return whether half of the mass of logits [width] or more lies on these ids; a bool tensor without shape."""
    own = torch.logsumexp(logits[completing.to(logits.device)].float(), 0)
    return own - torch.logsumexp(logits.float(), 0) >= math.log(MASS)


def close_rows(logits: torch.Tensor, indices: Sequence[int], eos: tuple[int, ...]) -> None:
    """Let these rows of logits [rows, width] do nothing but end, in place."""
    if indices:
        rows = torch.tensor(indices, device=logits.device)
        logits[rows] = _NEVER
        logits[rows[:, None], torch.tensor(eos, device=logits.device)] = 0.0


def close_all(logits: torch.Tensor, eos: tuple[int, ...]) -> None:
    """Let every row do nothing but end, in place."""
    logits.fill_(_NEVER)
    logits[:, list(eos)] = 0.0
