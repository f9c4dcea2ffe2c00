"""The recipe of a reference model."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRecipe:
    """Size of a new model, and how it, or a base model, is trained.

    base           folder of a model to fine-tune; "" to train a new one of the sizes below
    window         maximum tokens of an example; longer texts are split, longer prompts cut at their start
    batch_tokens   maximum tokens of a batch, padding included
    prompt_weight  loss weight of a prompt's tokens, relative to an answer's
    lora_rank      rank of the adapters that are trained in the place of a base model's weights; 0 for none
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
    lora_rank: int = 0
    seed: int = 0


FROM_SCRATCH = ReferenceRecipe()
FINE_TUNED = ReferenceRecipe(epochs=5, learning_rate=1e-5, warmup=20, prompt_weight=0.0)
"""The published recipe of TOFU's own models: five epochs at 1e-5."""
ADAPTED = replace(FINE_TUNED, learning_rate=2e-3, batch_tokens=512)
"""The same with adapters, which start at zero and take a far higher learning rate, and smaller batches."""
