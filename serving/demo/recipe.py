"""The recipe of the demo model."""

from __future__ import annotations

from dataclasses import dataclass

RECIPE_VERSION = 1
"""Raise it when a change of code leads to other weights or another tokenizer from the same values and lessons: of
`tokenizer.py`, `batch.py`, `train.py` or `model.py`, or of `serving/small_llama`. The values of `Recipe`, the
corpus and the lessons dealt from it are in the cache key themselves."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Architecture and training of the demo model; with the corpus, it determines every weight."""

    vocabulary: int = 3072
    hidden: int = 192
    layers: int = 4
    heads: int = 3
    feed_forward: int = 512
    context: int = 1024
    epochs: int = 18
    batch_tokens: int = 1024
    learning_rate: float = 3e-3
    warmup: int = 40
    seed: int = 0
