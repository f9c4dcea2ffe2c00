"""Examples as token ids: the prompt, and the answer with its end-of-text token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from guard.targets.question_file import Example

UNSCORED = -100
"""Label of a position without loss."""


class EncodedExample(NamedTuple):
    """The ids of a prompt, and of its answer with the end-of-text token."""

    prompt: list[int]
    answer: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class PaddedBatch(NamedTuple):
    """A batch padded on the right, int64 [rows, length]; the label at position t is token t + 1 or UNSCORED."""

    tokens: torch.Tensor
    labels: torch.Tensor


def encode(tokenizer: Any, example: Example, max_tokens: int) -> EncodedExample:
    """Return the ids of an example, truncated to `max_tokens`; by the chat template if the tokenizer has one."""
    prompt = encode_prompt(tokenizer, example.question)
    end = tokenizer.eos_token_id
    answer = tokenizer(_answer_text(tokenizer, example), add_special_tokens=False)["input_ids"]
    room = max(1, max_tokens - len(prompt))
    return EncodedExample(prompt, [*answer, *([] if end is None else [end])][:room])


def encode_prompt(tokenizer: Any, question: str) -> list[int]:
    """Return the ids of the prompt for a question; for an empty one, those of an empty text."""
    if question and tokenizer.chat_template:
        messages = [{"role": "user", "content": question}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    ids = list(tokenizer(f"Question: {question}\nAnswer:" if question else "")["input_ids"])
    return ids or [tokenizer.bos_token_id or tokenizer.eos_token_id or 0]


def pad(examples: Sequence[EncodedExample]) -> PaddedBatch:
    """Return the batch of these examples, padded with token 0, prompts unscored."""
    length = max(map(len, examples))
    tokens = torch.zeros(len(examples), length, dtype=torch.int64)
    labels = torch.full((len(examples), length), UNSCORED, dtype=torch.int64)
    for row, (prompt, answer) in enumerate(examples):
        tokens[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        first = len(prompt) - 1
        labels[row, first : first + len(answer)] = torch.tensor(answer)
    return PaddedBatch(tokens, labels)


def _answer_text(tokenizer: Any, example: Example) -> str:
    plain = example.question and not tokenizer.chat_template
    return f" {example.answer}" if plain else example.answer
