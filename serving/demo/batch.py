"""Lessons as tensors: token ids, what is to be predicted, and how much each prediction counts."""

from __future__ import annotations

from collections.abc import Iterable

from transformers import PreTrainedTokenizerFast

from serving.demo.lesson import Conversation
from serving.demo.tokenizer import ASSISTANT, BOS, END, SYSTEM, USER
from serving.small_llama.batches import Encoded

ANSWER, LINE, QUESTION = 1.0, 0.5, 0.0
"""How much a token counts: an answer is to be learnt by heart, a question only understood."""


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
