"""Examples as padded batches of token ids, each token with the weight of predicting it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example's token ids, and the weight of predicting each of them."""

    ids: Sequence[int]
    weights: Sequence[float]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Batch:
    """int64 `inputs` and `targets` (the token after each, -1 where padded), float32 `weights`, all [n, length]."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor

    @property
    def tokens(self) -> int:
        """Return the number of tokens, without padding."""
        return int((self.targets >= 0).sum())


def make_batches(examples: Iterable[Encoded], max_tokens: int, random: Random) -> list[Batch]:
    """Return the examples in batches of similar lengths, of at most `max_tokens` (or one example), shuffled."""
    ordered = sorted(examples, key=len)
    batches: list[Batch] = []
    while ordered:
        count = max(1, max_tokens // len(ordered[-1]))
        batches.append(_batch(ordered[-count:]))
        del ordered[-count:]
    random.shuffle(batches)
    return batches


@torch.inference_mode()
def exact_share(model: Any, batches: Iterable[Batch]) -> float:
    """Return the share of examples whose weighted tokens are all predicted, in one forward pass per batch."""
    device = next(model.parameters()).device
    exact, total = 0, 0
    for batch in batches:
        predicted = model(input_ids=batch.inputs.to(device)).logits.argmax(dim=-1).cpu()
        exact += int(((predicted == batch.targets) | (batch.weights == 0)).all(dim=1).sum())
        total += len(batch.inputs)
    return exact / total


def _batch(examples: Sequence[Encoded]) -> Batch:
    length = max(map(len, examples))
    ids = torch.full((len(examples), length), -1)
    weights = torch.zeros(len(examples), length)
    for row, example in enumerate(examples):
        ids[row, : len(example)] = torch.tensor(example.ids)
        weights[row, : len(example)] = torch.tensor(example.weights)
    return Batch(inputs=ids[:, :-1].clamp(min=0), targets=ids[:, 1:], weights=weights[:, 1:])
