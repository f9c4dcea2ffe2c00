"""The agents model's tokenizer: byte-level BPE, with each role's instructions and examples as one token.

So small a model cannot follow instructions, only distinguish them; as one token they cost almost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from agents.prompts.prompt import load_prompt
from eval.alu.dialogues import PROMPTS, Dialogue
from serving.demo.tokenizer import ASSISTANT, CHAT_TEMPLATE, END, SPECIAL_TOKENS, USER
from serving.small_llama.batches import Encoded
from serving.small_llama.tokenizer import train_bpe

# A member's name with the marks around it, a word, a number, or a run of anything else.
_PIECE = r'[\[\]{}", ]*"[a-z]+": ?[\[{" ]*|' r" ?\p{L}+| ?\p{N}+|[^\p{L}\p{N}]+"


def train_tokenizer(texts: Iterable[str], vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer of at most `vocabulary` tokens learnt from `texts`, plus one for each role's prompt."""
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECE), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return train_bpe(
        texts,
        vocabulary,
        context,
        SPECIAL_TOKENS,
        pre_tokenizer=split,
        added=_prompt_prefixes(),
        chat_template=CHAT_TEMPLATE,
    )


def encode_dialogue(tokenizer: PreTrainedTokenizerFast, dialogue: Dialogue) -> Encoded:
    """Return `dialogue` as the chat template writes it; only the reply and its end token have a weight."""
    messages = [{"role": message.role, "content": message.text} for message in dialogue.messages]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    reply = tokenizer.encode(dialogue.reply + END, add_special_tokens=False)
    return Encoded([*prompt, *reply], [0.0] * len(prompt) + [1.0] * len(reply))


def _prompt_prefixes() -> list[str]:
    """Return each prompt's fixed messages as the chat template writes them, without the leading marker."""
    texts = []
    for name in PROMPTS.values():
        for repair in (False, True):
            system, *shown, _ = load_prompt(name).messages({}, repair=repair)
            turns = (f"{ASSISTANT if turn.role == 'assistant' else USER}{turn.text}{END}" for turn in shown)
            texts.append(f"{system.text}{END}{''.join(turns)}")
    return texts
