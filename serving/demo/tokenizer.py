"""The demo model's tokenizer: byte-level BPE over the corpus, with the chat template in it."""

from __future__ import annotations

from collections.abc import Iterable

from transformers import PreTrainedTokenizerFast

from serving.small_llama.tokenizer import SpecialTokens, train_bpe

PAD, BOS, END = "<|pad|>", "<|bos|>", "<|end|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL_TOKENS = SpecialTokens(PAD, BOS, END, (SYSTEM, USER, ASSISTANT))

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{% set role = {'system': 'system', 'developer': 'system', 'assistant': 'assistant'}[message['role']] %}"
    "<|{{ role or 'user' }}|>{{ message['content'] or '' }}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def train_tokenizer(texts: Iterable[str], vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer of at most `vocabulary` tokens learnt from `texts`, as `train_bpe` does."""
    return train_bpe(texts, vocabulary, context, SPECIAL_TOKENS, chat_template=CHAT_TEMPLATE)
