"""Applies a batch's token masks to logits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from guard.decoding.batch import RestrictedBatch

ABORT_MASS_SHARE = 0.5
"""A row aborts when at least this share of its probability mass would complete a phrase already begun."""
_NEVER = float("-inf")


def mask(logits: torch.Tensor, batch: RestrictedBatch, eos: tuple[int, ...]) -> None:
    """Forbid in place what `batch` forbids; logits are float [rows, width], of any stride.

    A closed row may only end, and so may a restricted row that has no token left: a sampler would draw
    token 0 from logits that are all -inf. A row that must abort can only emit its abort token (see
    guard.decoding.backtracking).
    """
    width = logits.shape[-1]
    masks = batch.masks(width)
    nothing = not len(masks.tokens) and masks.past == width
    if not len(masks.closed) and (nothing or not len(masks.restricted)):
        return
    arrays = (masks.rows, masks.tokens, masks.restricted, masks.closed)
    row, token, restricted, closed = (torch.from_numpy(array).to(logits.device) for array in arrays)
    ends = torch.tensor(eos, device=logits.device)
    if masks.only_absent and not len(masks.closed):
        # Most steps. Logits are often wider than the vocabulary, and reducing them costs more than all the rest.
        if len(masks.tokens):
            logits[row, token] = _NEVER
        logits[:, masks.past :].index_fill_(0, restricted, _NEVER)
        return
    # Before anything is masked: the decision needs the model's own mass.
    aborts = [should_abort(logits[one.row], torch.from_numpy(one.completing)) for one in masks.abort_candidates]
    logits[row, token] = _NEVER
    logits[:, masks.past :].index_fill_(0, restricted, _NEVER)
    # No branch on what is dead: it would wait for the device at every step.
    dead = torch.isneginf(logits.amax(-1, keepdim=True)[restricted])
    cells = restricted[:, None], ends
    logits[cells] = logits[cells].masked_fill(dead, 0.0)
    logits[closed] = _NEVER
    logits[closed[:, None], ends] = 0.0
    for one, aborted in zip(masks.abort_candidates, aborts, strict=True):
        alone = torch.full_like(logits[one.row], _NEVER)
        alone[one.token] = 0.0
        logits[one.row] = torch.where(aborted, alone, logits[one.row])


def should_abort(logits: torch.Tensor, completing: torch.Tensor) -> torch.Tensor:
    """Return whether ABORT_MASS_SHARE of the mass of logits [width] or more lies on these ids; a 0-d bool."""
    own = torch.logsumexp(logits[completing.to(logits.device)].float(), 0)
    return own - torch.logsumexp(logits.float(), 0) >= math.log(ABORT_MASS_SHARE)


def close_rows(logits: torch.Tensor, indices: Sequence[int], eos: tuple[int, ...]) -> None:
    """Allow these rows of logits [rows, width] only to end, in place."""
    if indices:
        rows = torch.tensor(indices, device=logits.device)
        logits[rows] = _NEVER
        logits[rows[:, None], torch.tensor(eos, device=logits.device)] = 0.0


def close_all(logits: torch.Tensor, eos: tuple[int, ...]) -> None:
    """Allow every row only to end, in place."""
    logits.fill_(_NEVER)
    logits[:, list(eos)] = 0.0
