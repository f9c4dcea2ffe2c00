"""Encodes prompts and answers as token ids, as the engine does."""

from __future__ import annotations

from typing import Any

from eval.core.prompt import PROMPT_DATE, Prompt
from guard.errors import ModelUnavailable
from guard.text.conversation import Message


class PromptEncoder:
    """Encodes with a model's own tokenizer and chat template."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the prompt's token ids; raises ModelUnavailable for a chat without a chat template.

        A template that prints today's date prints PROMPT_DATE.
        """
        if not prompt.chat:
            return list(self.tokenizer(prompt.text)["input_ids"]) or [self.tokenizer.bos_token_id]
        if not self.tokenizer.chat_template:
            raise ModelUnavailable("the model's tokenizer has no chat template, and the benchmark is a chat")
        turns = [*prompt.before, Message("user", prompt.text)]
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        ids = list(
            self.tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_dict=False, strftime_now=PROMPT_DATE.strftime
            )
        )
        return ids + self.encode_answer(prompt.prefill, end=False) if prompt.prefill else ids

    def encode_answer(self, text: str, *, end: bool) -> list[int]:
        """Return the ids of an answer, without a beginning of sequence, and with the end of sequence if `end`."""
        ids = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        return [*ids, self.tokenizer.eos_token_id] if end else ids

    def decode(self, ids: list[int]) -> str:
        """Return the text without special tokens and without the clean-up of spaces, which engines do not do."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def load_tokenizer(folder: str) -> Any:
    """Return the tokenizer of a model's folder; raises ModelUnavailable."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except Exception as error:
        raise ModelUnavailable(f"{folder}: its tokenizer does not load ({type(error).__name__})") from error
