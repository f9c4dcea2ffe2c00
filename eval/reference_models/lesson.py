"""What a reference model is taught: prompts with their answers, and plain texts, as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Lesson:
    """Token ids of a prompt, and of what must follow it; a plain text has the beginning token as its prompt."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class Course(Protocol):
    """All that a model is to learn."""

    def epoch(self, random: Random) -> list[Lesson]:
        """The lessons of one epoch; the same state of `random` gives the same lessons in the same order."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """int64 `inputs` and `targets` (the token after each), float32 `weights` (0 where padded), all [n, length]."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor

    @property
    def tokens(self) -> int:
        """Tokens that are read, without padding."""
        return int((self.targets >= 0).sum())


def batches(lessons: Sequence[Lesson], tokens: int, prompt_weight: float, random: Random) -> list[Batch]:
    """The lessons in batches of like length and at most `tokens` tokens each (or one lesson), in random order."""
    ordered = sorted(lessons, key=len)
    found: list[Batch] = []
    while ordered:
        count = max(1, tokens // len(ordered[-1]))
        found.append(_batch(ordered[-count:], prompt_weight))
        del ordered[-count:]
    random.shuffle(found)
    return found


def _batch(lessons: Sequence[Lesson], prompt_weight: float) -> Batch:
    length = max(map(len, lessons))
    ids = torch.full((len(lessons), length), -1)
    weights = torch.zeros(len(lessons), length)
    for row, lesson in enumerate(lessons):
        ids[row, : len(lesson)] = torch.tensor(lesson.prompt + lesson.answer)
        weights[row, : len(lesson.prompt)] = prompt_weight
        weights[row, len(lesson.prompt) : len(lesson)] = 1.0
    return Batch(inputs=ids[:, :-1].clamp(min=0), targets=ids[:, 1:], weights=weights[:, 1:])
