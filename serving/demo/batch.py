"""Encodes lessons: token ids, and the weight of each token in the loss."""

from __future__ import annotations

from collections.abc import Iterable

from transformers import PreTrainedTokenizerFast

from serving.demo.lesson import Conversation
from serving.demo.tokenizer import ASSISTANT, BOS, END, SYSTEM, USER
from serving.small_llama.batches import Encoded

ANSWER, LINE, QUESTION = 1.0, 0.5, 0.0
"""Weight of a token in the loss: an answer must be learnt by heart, a question only understood."""


class Encoder:
    """Encodes lessons exactly as the tokenizer's chat template does."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}

    def lessons(self, lessons: Iterable[Conversation | str]) -> list[Encoded]:
        """Return the encoded lessons, in order."""
        return [self.line(each) if isinstance(each, str) else self.conversation(each) for each in lessons]

    def conversation(self, conversation: Conversation) -> Encoded:
        """Encode a conversation; each answer and its end token have full weight."""
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
        """Encode a plain line between the beginning and the end token."""
        ids = self._ids(BOS + line + END)
        return Encoded(ids, [LINE] * len(ids))

    def _ids(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text, add_special_tokens=False)
        return list(self._known[text])
