"""How well a model plays each role, on dialogues it was not trained on."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from eval.alu.dialogues import Dialogue
from eval.alu.tokenizer import encode_dialogue
from serving.small_llama.batches import exact_share, make_batches


def reply_accuracy(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, dialogues: Iterable[Dialogue]
) -> float:
    """Return the share of `dialogues` whose whole reply greedy decoding gives, in one forward pass."""
    rows = [encode_dialogue(tokenizer, dialogue) for dialogue in dialogues]
    return exact_share(model, make_batches(rows, 8192, Random(0)))
