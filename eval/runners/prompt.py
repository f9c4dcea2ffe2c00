"""Prompts and answers as token ids, the way the engine renders them."""

from __future__ import annotations

from typing import Any

from eval.core.ask import Ask
from guard.errors import ModelUnavailable
from guard.text.conversation import Message


class Prompts:
    """Renders asks with a model's own tokenizer and chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def ids(self, ask: Ask) -> list[int]:
        """The prompt's token ids; ModelUnavailable when a chat is asked of a tokenizer without a template."""
        if not ask.chat:
            return list(self.tokenizer(ask.text)["input_ids"]) or [self.tokenizer.bos_token_id]
        if not self.tokenizer.chat_template:
            raise ModelUnavailable("the model's tokenizer has no chat template, and the benchmark is a chat")
        turns = [*ask.before, Message("user", ask.text)]
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        ids = list(self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))
        return ids + self.answer(ask.prefill, end=False) if ask.prefill else ids

    def answer(self, text: str, *, end: bool) -> list[int]:
        """The ids of an answer, without a beginning of sequence, and with the end of sequence if `end`."""
        ids = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return [*ids, self.tokenizer.eos_token_id] if end else ids

    def text(self, ids: list[int]) -> str:
        """What was said, without special tokens and without the clean-up of spaces that engines do not do."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def load_tokenizer(folder: str) -> Any:
    """The tokenizer of a model's folder; raises ModelUnavailable."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:
        raise ModelUnavailable(f"{folder}: its tokenizer does not load ({type(error).__name__})") from error
