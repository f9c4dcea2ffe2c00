"""How well a model plays each role on dialogues it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from eval.alu.dialogues import Dialogue
from eval.alu.lessons import encoded
from serving.demo.batch import batches


@torch.inference_mode()
def accuracy(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, lessons: Iterable[Dialogue]) -> float:
    """Return the share of `lessons` whose whole reply greedy decoding gives, decided by one forward pass."""
    rows = [encoded(tokenizer, lesson) for lesson in lessons]
    exact = 0
    for batch in batches(rows, tokens=8192, random=Random(0)):
        likeliest = model(input_ids=batch.inputs).logits.argmax(dim=-1)
        exact += int(((likeliest == batch.targets) | (batch.weights == 0)).all(dim=1).sum())
    return exact / len(rows)
