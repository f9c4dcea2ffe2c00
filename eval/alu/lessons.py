"""The lessons of the agents model: dialogues as token ids, of which only the replies are predicted."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

from eval.alu.dialogues import Dialogue
from serving.demo.batch import Encoded
from serving.demo.tokenizer import END


def encoded(tokenizer: PreTrainedTokenizerFast, lesson: Dialogue) -> Encoded:
    """Return `lesson` as the chat template writes it; its reply and the end of it count, nothing else does."""
    messages = [{"role": message.role, "content": message.text} for message in lesson.messages]
    asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    reply = tokenizer.encode(lesson.reply + END, add_special_tokens=False)
    return Encoded([*asked, *reply], [0.0] * len(asked) + [1.0] * len(reply))
