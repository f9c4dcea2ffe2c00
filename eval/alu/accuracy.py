"""How well a model plays each role, on dialogues it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from eval.alu.dialogues import Dialogue
from eval.alu.tokenizer import encode_dialogue
from serving.demo.batch import batches


@torch.inference_mode()
def reply_accuracy(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, dialogues: Iterable[Dialogue]
) -> float:
    """Return the share of `dialogues` whose whole reply greedy decoding gives, in one forward pass."""
    rows = [encode_dialogue(tokenizer, dialogue) for dialogue in dialogues]
    exact = 0
    for batch in batches(rows, tokens=8192, random=Random(0)):
        predicted = model(input_ids=batch.inputs).logits.argmax(dim=-1)
        exact += int(((predicted == batch.targets) | (batch.weights == 0)).all(dim=1).sum())
    return exact / len(rows)
