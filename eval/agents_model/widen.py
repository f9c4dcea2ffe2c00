"""The same model with wider attention heads, as engines want them.

vLLM's CPU attention (0.32) ends the process with an illegal instruction at heads of 32 numbers; from 64 it works.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from transformers import LlamaForCausalLM


def widened(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """Return a model of twice the head size that computes the same; what is added is nought."""
    config = copy.deepcopy(model.config)
    heads, size = config.num_attention_heads, config.hidden_size // config.num_attention_heads
    config.head_dim = 2 * size
    wide = LlamaForCausalLM(config).eval()
    state = dict(model.state_dict())
    # A rotary pair (i, i + size/2) keeps its frequency where twice as many stand between the same ends.
    half = 2 * torch.arange(size // 2)
    rotary = torch.cat([half, half + size])
    for name, weight in state.items():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            # Scores are divided by the root of the head's size.
            scale = 2**0.5 if "q_proj" in name else 1.0
            state[name] = _rows(weight * scale, heads, size, rotary)
        elif name.endswith("v_proj.weight"):
            state[name] = _rows(weight, heads, size, torch.arange(size))
        elif name.endswith("o_proj.weight"):
            state[name] = _rows(weight.T, heads, size, torch.arange(size)).T.contiguous()
    wide.load_state_dict(state)
    return wide


def _rows(weight: Tensor, heads: int, size: int, places: Tensor) -> Tensor:
    spread = torch.zeros(heads, 2 * size, weight.shape[1], dtype=weight.dtype)
    spread[:, places] = weight.reshape(heads, size, -1)
    return spread.reshape(heads * 2 * size, -1)
