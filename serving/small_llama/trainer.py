"""Trains a Llama: initial weights, learning rate, optimizer steps and checkpoints.

The operations and their order determine the weights, to the last bit. Models are found again by a digest of their
recipe and data: a change of the operations must raise the version of each recipe.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from guard.files import atomic_file
from serving.small_llama.batches import Batch


class LlamaRecipe(Protocol):
    """What a model is and how it is trained; `warmup` counts steps."""

    @property
    def hidden(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def feed_forward(self) -> int: ...
    @property
    def context(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup(self) -> int: ...
    @property
    def seed(self) -> int: ...


def new_model(recipe: LlamaRecipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return a Llama with random weights, which the recipe's seed determines; float32, on the CPU."""
    torch.manual_seed(recipe.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden,
            intermediate_size=recipe.feed_forward,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            max_position_embeddings=recipe.context,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class Trainer:
    """Trains the parameters of `model` that require gradients, in place, by AdamW with clipped gradients.

    `bfloat16` is for the forward pass alone.
    """

    def __init__(
        self, model: Any, recipe: LlamaRecipe, *, beta2: float = 0.95, device: str = "cpu", bfloat16: bool = False
    ) -> None:
        self.model = model.to(device).train()
        self._recipe = recipe
        self._device = device
        self._bfloat16 = bfloat16
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, betas=(0.9, beta2), weight_decay=0.0, fused=True)
        self._steps = 0

    def step(self, batch: Batch, done: float, planned: float = 1.0) -> float:
        """Train on one batch and return its loss in nats per token; `done` of `planned` sets the learning rate."""
        self._steps += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate(done, planned)
        loss = self._loss(batch)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self._trained, max_norm=1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return loss.item()

    def save(self, path: Path, done: int) -> None:
        """Replace the checkpoint `path` by the state now, and `done`: how far the caller is, in its own unit.

        Parameters that are not trained are not saved. Raises OSError, and RuntimeError, which is how torch reports
        a full disk.
        """
        # Tied weights have two names.
        named = self.model.named_parameters(remove_duplicate=False)
        frozen = {name for name, each in named if not each.requires_grad}
        weights = {name: each for name, each in self.model.state_dict().items() if name not in frozen}
        state = {"model": weights, "optimizer": self._optimizer.state_dict()}
        # Durable: it may hold hours of work, and a damaged one has to be removed by hand.
        with atomic_file(path, durable=True, private=False) as file:
            torch.save({**state, "done": done, "step": self._steps}, file)

    def resume(self, path: Path) -> int:
        """Take the state of the checkpoint `path` and return its `done`; 0 where there is none.

        Raises whatever torch raises for a damaged one.
        """
        if not path.exists():
            return 0
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict({**self.model.state_dict(), **state["model"]})
        self._optimizer.load_state_dict(state["optimizer"])
        self._steps = int(state["step"])
        return int(state["done"])

    def _loss(self, batch: Batch) -> torch.Tensor:
        """Return the mean cross entropy of the tokens with a weight, by it; logits are made for these alone."""
        device = self._device
        counts = batch.weights > 0
        with torch.autocast(device, torch.bfloat16, enabled=self._bfloat16):
            hidden = self.model.base_model(input_ids=batch.inputs.to(device)).last_hidden_state
            logits = self.model.get_output_embeddings()(hidden[counts.to(device)])
        targets, weights = batch.targets[counts].to(device), batch.weights[counts].to(device)
        return (cross_entropy(logits.float(), targets, reduction="none") * weights).sum() / weights.sum()

    def _learning_rate(self, done: float, planned: float) -> float:
        """Return the learning rate: a linear warmup, then half a cosine down to a twentieth of the peak."""
        rise = min(1.0, self._steps / max(1, self._recipe.warmup))
        fall = 0.5 * (1 + math.cos(math.pi * done / planned))
        return self._recipe.learning_rate * (rise * (0.05 + 0.95 * fall))
