"""Greedy answers under one setting of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from eval.uld.grid import GridSetting, ModelSet, hidden_states, model_log_probs, models_needed, served_log_probs

_BATCH_PROMPTS = 64


def greedy_answers(
    models: ModelSet,
    setting: GridSetting,
    prompts: Sequence[Sequence[int]],
    end: int,
    max_tokens: int,
    progress: Callable[[float], None],
) -> list[list[int]]:
    """Return the greedy answer to each prompt, without `end`, of at most `max_tokens` tokens."""
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    answers: list[list[int]] = [[] for _ in prompts]
    for first in range(0, len(order), _BATCH_PROMPTS):
        indices = order[first : first + _BATCH_PROMPTS]
        with torch.inference_mode():
            batch = _batch(models, setting, [prompts[index] for index in indices], end, max_tokens)
        for index, answer in zip(indices, batch, strict=True):
            answers[index] = answer
        progress((first + len(indices)) / len(order))
    return answers


def _batch(
    models: ModelSet, setting: GridSetting, prompts: Sequence[Sequence[int]], end: int, max_tokens: int
) -> list[list[int]]:
    length = max(map(len, prompts))
    tokens = torch.tensor([[0] * (length - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    caches: dict[str, Any] = {name: DynamicCache() for name in models_needed([setting])}
    running = torch.ones(len(prompts), dtype=torch.bool)
    chosen: list[torch.Tensor] = []
    while len(chosen) < max_tokens and bool(running.any()):
        positions = (mask.cumsum(1) - 1).clamp_min(0)[:, -tokens.shape[1] :]
        log_p = {}
        for name, cache in caches.items():
            hidden = hidden_states(
                models,
                name,
                tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
            )
            log_p[name] = model_log_probs(models, name, hidden[:, -1])
        next_tokens = served_log_probs(models, setting, log_p).argmax(-1).masked_fill(~running, end)
        running &= next_tokens != end
        chosen.append(next_tokens)
        tokens = next_tokens[:, None]
        mask = torch.cat([mask, torch.ones_like(tokens)], 1)
    rows = torch.stack(chosen, 1).tolist() if chosen else [[] for _ in prompts]
    return [row[: row.index(end)] if end in row else row for row in rows]
