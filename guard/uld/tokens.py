"""Examples as token ids: the prompt a model is asked with, and the answer with its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from guard.targets.question_file import Example

UNSCORED = -100


class Encoded(NamedTuple):
    """The ids of a prompt and of the answer to it, its end of text included."""

    prompt: list[int]
    answer: list[int]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class Padded(NamedTuple):
    """A batch padded on the right, int64 [rows, length]; `labels` of position t is the token at t + 1, or -100."""

    tokens: torch.Tensor
    labels: torch.Tensor


def encode(tokenizer: Any, example: Example, longest: int) -> Encoded:
    """Return the ids of an example, cut to `longest`; by the chat template when the tokenizer has one."""
    prompt = encode_prompt(tokenizer, example.question)
    end = tokenizer.eos_token_id
    answer = tokenizer(_spaced(tokenizer, example), add_special_tokens=False)["input_ids"]
    room = max(1, longest - len(prompt))
    return Encoded(prompt, [*answer, *([] if end is None else [end])][:room])


def encode_prompt(tokenizer: Any, question: str) -> list[int]:
    """Return the ids a model is asked with; those of an empty text for no question."""
    if question and tokenizer.chat_template:
        messages = [{"role": "user", "content": question}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    ids = list(tokenizer(f"Question: {question}\nAnswer:" if question else "")["input_ids"])
    return ids or [tokenizer.bos_token_id or tokenizer.eos_token_id or 0]


def pad(examples: Sequence[Encoded]) -> Padded:
    """Return the batch of these examples, padded with token 0, prompts unscored."""
    length = max(map(len, examples))
    tokens = torch.zeros(len(examples), length, dtype=torch.int64)
    labels = torch.full((len(examples), length), UNSCORED, dtype=torch.int64)
    for row, (prompt, answer) in enumerate(examples):
        tokens[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        first = len(prompt) - 1
        labels[row, first : first + len(answer)] = torch.tensor(answer)
    return Padded(tokens, labels)


def _spaced(tokenizer: Any, example: Example) -> str:
    plain = example.question and not tokenizer.chat_template
    return f" {example.answer}" if plain else example.answer
