"""Applies a batch's token masks to logits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from guard.decoding.batch import RestrictedBatch

ABORT_MASS_SHARE = 0.5
"""A row aborts when at least this share of its probability mass would complete a phrase already begun, and when
the likeliest token would: what is likely instead does not go on with the word."""
_NEVER = float("-inf")


def mask(logits: torch.Tensor, batch: RestrictedBatch, eos: tuple[int, ...]) -> None:
    """Forbid in place what `batch` forbids; logits are float [rows, width], of any stride.

    A closed row may only end, and so may a restricted row that has no token left: a sampler would draw
    token 0 from logits that are all -inf. A row that must abort can only emit its abort token (see
    guard.decoding.backtracking).
    """
    masks = batch.masks(logits.shape[-1])
    if not len(masks.restricted) and not len(masks.closed):
        return
    arrays = masks.rows, masks.tokens, masks.restricted, masks.closed, masks.exhaustible
    row, token, restricted, closed, exhaustible = (torch.from_numpy(a).to(logits.device) for a in arrays)
    ends = torch.tensor(eos, device=logits.device)
    # Before anything is masked: the decision needs the model's own mass.
    aborts = [should_abort(logits[one.row], torch.from_numpy(one.completing)) for one in masks.abort_candidates]
    if len(masks.unfinished):
        unfinished, allowed = (torch.from_numpy(a).to(logits.device) for a in (masks.unfinished, masks.allowed))
        _allow_only(logits, unfinished, allowed, ends)
    if len(masks.tokens):
        logits[row, token] = _NEVER
    # Logits are often wider than the vocabulary.
    if masks.past < logits.shape[-1]:
        logits[:, masks.past :].index_fill_(0, restricted, _NEVER)
    if len(masks.exhaustible):
        # Reducing the logits costs more than all the rest, and at most steps no phrase forbids anything in most
        # rows; a copy of more than half of them would cost more. No branch on what is dead: it would wait for the
        # device at every step.
        few = len(exhaustible) < len(logits) // 2
        best = logits[exhaustible].amax(-1, keepdim=True) if few else logits.amax(-1, keepdim=True)[exhaustible]
        dead = torch.isneginf(best)
        _end_where(logits, exhaustible, dead, ends)
    if len(masks.closed):
        logits[closed] = _NEVER
        logits[closed[:, None], ends] = 0.0
    for one, aborted in zip(masks.abort_candidates, aborts, strict=True):
        alone = torch.full_like(logits[one.row], _NEVER)
        alone[one.token] = 0.0
        logits[one.row] = torch.where(aborted, alone, logits[one.row])


def _allow_only(logits: torch.Tensor, rows: torch.Tensor, allowed: torch.Tensor, ends: torch.Tensor) -> None:
    """Forbid all but the ids `allowed` [rows, ids] in these rows; a row that has none of them may end."""
    cells = rows[:, None], allowed
    kept = logits[cells]
    logits.index_fill_(0, rows, _NEVER)
    logits[cells] = kept
    _end_where(logits, rows, torch.isneginf(kept.amax(-1, keepdim=True)), ends)


def _end_where(logits: torch.Tensor, rows: torch.Tensor, dead: torch.Tensor, ends: torch.Tensor) -> None:
    """Let the rows that are `dead`, a bool [rows, 1], end."""
    cells = rows[:, None], ends
    logits[cells] = logits[cells].masked_fill(dead, 0.0)


def should_abort(logits: torch.Tensor, completing: torch.Tensor) -> torch.Tensor:
    """Return whether one of these ids is the most likely, or they have ABORT_MASS_SHARE of the mass; a 0-d bool.

    logits are [width].
    """
    own = logits[completing.to(logits.device)].float()
    share = torch.logsumexp(own, 0) - torch.logsumexp(logits.float(), 0)
    return (share >= math.log(ABORT_MASS_SHARE)) | (own.amax() >= logits.amax())


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
