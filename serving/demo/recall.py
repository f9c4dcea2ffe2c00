"""Measures how much of its corpus a model knows by heart."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from serving.demo.batch import Encoder
from serving.demo.corpus import Exchange
from serving.demo.lesson import Conversation
from serving.small_llama.batches import exact_share, make_batches


def recall(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, exchanges: Iterable[Exchange]) -> float:
    """Return the share of `exchanges`, each asked alone, that greedy decoding answers word for word.

    One forward pass decides it: every token of the answer, end included, must be the most likely one.
    """
    lessons = Encoder(tokenizer).lessons(Conversation("", (exchange,)) for exchange in exchanges)
    return exact_share(model, make_batches(lessons, 4096, Random(0)))
