"""Trains a byte-level BPE tokenizer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast


class SpecialTokens(NamedTuple):
    """The special tokens of a tokenizer; their ids are their places here."""

    pad: str
    bos: str
    end: str
    others: tuple[str, ...] = ()


def train_bpe(
    texts: Iterable[str],
    vocabulary: int,
    context: int,
    special: SpecialTokens,
    *,
    pre_tokenizer: Any = None,
    added: Iterable[str] = (),
    chat_template: str | None = None,
) -> PreTrainedTokenizerFast:
    """Return a tokenizer of at most `vocabulary` tokens, and those `added` as special ones, for `context` tokens.

    It encodes any text without loss, as every byte is in its alphabet. The same texts give the same tokenizer.
    Encoding puts the beginning token first, unless told not to. `pre_tokenizer` splits texts in place of GPT-2's
    pattern.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizer or pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[special.pad, special.bos, special.end, *special.others],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    # A first prompt of one token kills vLLM on CPU (0.32), and the server's self-test begins with one word.
    bpe.post_processor = processors.TemplateProcessing(
        single=f"{special.bos} $A", special_tokens=[(special.bos, bpe.token_to_id(special.bos))]
    )
    bpe.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in added])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=special.bos,
        eos_token=special.end,
        pad_token=special.pad,
        model_max_length=context,
        **({} if chat_template is None else {"chat_template": chat_template}),
    )
