"""How a reference model is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Size of a model made from nothing, and how it, or a base model, is trained.

    base           folder of a model to fine-tune; "" for one from nothing, of the sizes below
    window         longest lesson in tokens; longer texts are cut into several, longer prompts at their start
    batch_tokens   most tokens of a batch, padding included
    prompt_weight  how much predicting a token of a prompt counts, where one of an answer counts 1
    """

    base: str = ""
    vocabulary: int = 8192
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    feed_forward: int = 640
    context: int = 2048
    window: int = 1280
    epochs: int = 32
    batch_tokens: int = 2048
    learning_rate: float = 2e-3
    warmup: int = 100
    prompt_weight: float = 0.15
    seed: int = 0


FROM_NOTHING = Recipe()
FINE_TUNED = Recipe(epochs=5, learning_rate=1e-5, warmup=20, prompt_weight=0.0)
"""The published recipe of TOFU's own models: five epochs at 1e-5."""
