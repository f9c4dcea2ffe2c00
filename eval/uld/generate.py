"""Greedy answers under a point of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from eval.uld.points import Cast, Point, names, serve, shown, states

_BATCH = 64


def answers(
    cast: Cast,
    point: Point,
    prompts: Sequence[Sequence[int]],
    end: int,
    most: int,
    report: Callable[[float], None],
) -> list[list[int]]:
    """Return the greedy answer to each prompt, without `end`, of at most `most` tokens."""
    order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
    found: list[list[int]] = [[] for _ in prompts]
    for first in range(0, len(order), _BATCH):
        places = order[first : first + _BATCH]
        with torch.inference_mode():
            batch = _batch(cast, point, [prompts[place] for place in places], end, most)
        for place, answer in zip(places, batch, strict=True):
            found[place] = answer
        report((first + len(places)) / len(order))
    return found


def _batch(cast: Cast, point: Point, prompts: Sequence[Sequence[int]], end: int, most: int) -> list[list[int]]:
    length = max(map(len, prompts))
    tokens = torch.tensor([[0] * (length - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    caches: dict[str, Any] = {name: DynamicCache() for name in names([point])}
    open_ = torch.ones(len(prompts), dtype=torch.bool)
    chosen: list[torch.Tensor] = []
    while len(chosen) < most and bool(open_.any()):
        positions = (mask.cumsum(1) - 1).clamp_min(0)[:, -tokens.shape[1] :]
        log_p = {}
        for name, cache in caches.items():
            hidden = states(
                cast,
                name,
                tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
            log_p[name] = shown(cast, name, hidden[:, -1])
        following = serve(cast, point, log_p).argmax(-1).masked_fill(~open_, end)
        open_ &= following != end
        chosen.append(following)
        tokens = following[:, None]
        mask = torch.cat([mask, torch.ones_like(tokens)], 1)
    rows = torch.stack(chosen, 1).tolist() if chosen else [[] for _ in prompts]
    return [row[: row.index(end)] if end in row else row for row in rows]
