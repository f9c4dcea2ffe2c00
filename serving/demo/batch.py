"""Lessons as tensors: token ids, what is to be predicted, and how much each prediction counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from serving.demo.lesson import Conversation
from serving.demo.tokenizer import ASSISTANT, BOS, END, SYSTEM, USER

ANSWER, LINE, QUESTION = 1.0, 0.5, 0.0
"""How much a token counts: an answer is to be learnt by heart, a question only understood."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A lesson's token ids, and for each the weight of predicting it."""

    ids: list[int]
    weights: list[float]


@dataclass(frozen=True, slots=True)
class Batch:
    """int64 `inputs` and `targets` (the token after each), float32 `weights` (0 where padded), all [n, length]."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor


class Encoder:
    """Encodes lessons exactly as the tokenizer's chat template would."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}

    def lessons(self, lessons: Iterable[Conversation | str]) -> list[Encoded]:
        """The encoded lessons, in the order given."""
        return [self.line(each) if isinstance(each, str) else self.conversation(each) for each in lessons]

    def conversation(self, conversation: Conversation) -> Encoded:
        """A conversation; each answer and its end count in full."""
        ids = self._ids(BOS)
        if conversation.system:
            ids += self._ids(SYSTEM + conversation.system + END)
        weights = [0.0] * len(ids)
        for exchange in conversation.exchanges:
            asked = self._ids(USER + exchange.question + END + ASSISTANT)
            answered = self._ids(exchange.answer + END)
            ids += asked + answered
            weights += [QUESTION] * len(asked) + [ANSWER] * len(answered)
        return Encoded(ids, weights)

    def line(self, line: str) -> Encoded:
        """A plain line between beginning and end."""
        ids = self._ids(BOS + line + END)
        return Encoded(ids, [LINE] * len(ids))

    def _ids(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text, add_special_tokens=False)
        return list(self._known[text])


def batches(lessons: list[Encoded], tokens: int, random: Random) -> list[Batch]:
    """The lessons in batches of like length and about `tokens` tokens each, the batches in random order."""
    ordered = sorted(lessons, key=lambda lesson: len(lesson.ids))
    found: list[Batch] = []
    while ordered:
        longest = len(ordered[-1].ids)
        count = max(1, tokens // longest)
        found.append(_batch(ordered[-count:], longest))
        del ordered[-count:]
    random.shuffle(found)
    return found


def _batch(lessons: list[Encoded], length: int) -> Batch:
    ids = torch.zeros(len(lessons), length, dtype=torch.int64)
    weights = torch.zeros(len(lessons), length)
    for row, lesson in enumerate(lessons):
        ids[row, : len(lesson.ids)] = torch.tensor(lesson.ids)
        weights[row, : len(lesson.ids)] = torch.tensor(lesson.weights)
    return Batch(inputs=ids[:, :-1], targets=ids[:, 1:], weights=weights[:, 1:])
