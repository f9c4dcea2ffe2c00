"""The recipe of the agents model."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

RECIPE_VERSION = 1
"""Increase it when a change of code gives other weights, another tokenizer or another accuracy from the same
values and dialogues: in `tokenizer.py`, `train.py`, `accuracy.py` or `model.py`, in `serving/small_llama`, or in
the demo model's chat template. The values of `AgentsRecipe`, prompts and dialogues are part of the cache key."""


@dataclass(frozen=True, slots=True)
class AgentsRecipe:
    """Size and training of the agents model; together with the dialogues, it determines every weight.

    tokenizer_dialogues  number of dialogues that the tokenizer is trained on
    """

    vocabulary: int = 2048
    tokenizer_dialogues: int = 4000
    hidden: int = 128
    layers: int = 3
    heads: int = 4
    feed_forward: int = 384
    context: int = 1024
    rounds: int = 40
    batch_tokens: int = 1024
    learning_rate: float = 3e-3
    warmup: int = 60
    seed: int = 0

    def random(self, number: int) -> Random:
        """Return the random generator of round `number`, for its dialogues and the order of its batches."""
        return Random(f"{self.seed}/{number}")
