"""How much of its corpus a model knows by heart."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from serving.demo.batch import Encoder, batches
from serving.demo.corpus import Exchange
from serving.demo.lesson import Conversation


@torch.inference_mode()
def recall(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, exchanges: Iterable[Exchange]) -> float:
    """The share of `exchanges`, each asked alone, whose answer greedy decoding gives word for word and then ends.
    One forward pass decides it: every token of the answer is the most likely one after those before it."""
    lessons = Encoder(tokenizer).lessons(Conversation("", (exchange,)) for exchange in exchanges)
    exact = 0
    for batch in batches(lessons, tokens=4096, random=Random(0)):
        likeliest = model(input_ids=batch.inputs).logits.argmax(dim=-1)
        exact += int(((likeliest == batch.targets) | (batch.weights == 0)).all(dim=1).sum())
    return exact / len(lessons)
