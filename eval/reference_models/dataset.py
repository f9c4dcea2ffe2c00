"""Training data of a reference model: prompts with answers, and plain texts, as batches of token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """Token ids of a prompt and its answer. A plain text has the begin token as its prompt."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class TrainingDataset(Protocol):
    """Everything that a model should learn."""

    def epoch(self, random: Random) -> list[TrainingExample]:
        """Return the examples of one epoch; the same state of `random` gives the same examples in one order."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """int64 `inputs` and `targets` (the token after each), float32 `weights` (0 where padded), all [n, length]."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor

    @property
    def tokens(self) -> int:
        """Return the number of tokens, without padding."""
        return int((self.targets >= 0).sum())


def make_batches(
    examples: Sequence[TrainingExample], max_tokens: int, prompt_weight: float, random: Random
) -> list[TrainingBatch]:
    """Return the examples in batches of similar lengths, of at most `max_tokens` (or one example), shuffled."""
    ordered = sorted(examples, key=len)
    batches: list[TrainingBatch] = []
    while ordered:
        count = max(1, max_tokens // len(ordered[-1]))
        batches.append(_batch(ordered[-count:], prompt_weight))
        del ordered[-count:]
    random.shuffle(batches)
    return batches


def _batch(examples: Sequence[TrainingExample], prompt_weight: float) -> TrainingBatch:
    length = max(map(len, examples))
    ids = torch.full((len(examples), length), -1)
    weights = torch.zeros(len(examples), length)
    for row, example in enumerate(examples):
        ids[row, : len(example)] = torch.tensor(example.prompt + example.answer)
        weights[row, : len(example.prompt)] = prompt_weight
        weights[row, len(example.prompt) : len(example)] = 1.0
    return TrainingBatch(inputs=ids[:, :-1].clamp(min=0), targets=ids[:, 1:], weights=weights[:, 1:])
