"""Training data of a reference model: prompts with answers, and plain texts, as token ids."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Protocol

from serving.small_llama.batches import Encoded


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """Token ids of a prompt and its answer. A plain text has the begin token as its prompt."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)

    def encoded(self, prompt_weight: float) -> Encoded:
        """Return the example with this loss weight for its prompt's tokens, and 1 for its answer's."""
        weights = [prompt_weight] * len(self.prompt) + [1.0] * len(self.answer)
        return Encoded(self.prompt + self.answer, weights)


class TrainingDataset(Protocol):
    """Everything that a model should learn."""

    def epoch(self, random: Random) -> list[TrainingExample]:
        """Return the examples of one epoch; the same state of `random` gives the same examples in one order."""
        ...
