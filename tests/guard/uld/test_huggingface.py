from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from guard.uld.huggingface import DifferenceProcessor
from guard.uld.logit_difference import log_probabilities, uld
from guard.uld.truncated_model import TruncatedModel

PROMPTS = torch.tensor([[0, 0, 1, 40, 77], [1, 9, 200, 33, 60]])
MASK = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
ALPHA = torch.tensor([[1.0], [0.0]])


def generated(model: Path, beams: int = 1) -> tuple[torch.Tensor, TruncatedModel, dict[str, torch.nn.Parameter]]:
    torch.manual_seed(0)
    target = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    truncated_model = TruncatedModel(model, 2, torch.float32, "cpu")
    adapter = truncated_model.lora_adapter(4)
    for parameter in adapter.values():
        parameter.requires_grad_(False).normal_(std=0.3)
    nothing = torch.zeros(truncated_model.width, dtype=torch.bool)
    processor = DifferenceProcessor(truncated_model, adapter, MASK, ALPHA, 0.0, nothing)
    options = {
        "max_new_tokens": 8,
        "do_sample": False,
        "num_beams": beams,
        "eos_token_id": None,
        "pad_token_id": 0,
    }
    tokens = target.generate(PROMPTS, attention_mask=MASK, logits_processor=[processor], **options)
    return tokens, truncated_model, adapter


def test_generation_follows_the_difference_of_the_whole_texts(model: Path) -> None:
    tokens, truncated_model, adapter = generated(model)
    target = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    nothing = torch.zeros(truncated_model.width, dtype=torch.bool)
    truncated_model.activate(adapter)
    for row, padding in enumerate((2, 0)):
        whole = tokens[row : row + 1, padding:]
        with torch.inference_mode():
            mine = target(whole, use_cache=False).logits[0]
            known = truncated_model.logits(truncated_model.hidden(whole, use_cache=False))[0]
        served = uld(log_probabilities(mine), log_probabilities(known), float(ALPHA[row]), 0.0, nothing)
        start = PROMPTS.shape[1] - padding - 1
        assert served[start:-1].argmax(-1).tolist() == whole[0, start + 1 :].tolist()


def test_a_row_of_strength_zero_is_unchanged(model: Path) -> None:
    tokens, _, _ = generated(model)
    target = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    plain = target.generate(PROMPTS[1:], max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert tokens[1].tolist() == plain[0].tolist()
    other = target.generate(PROMPTS[:1, 2:], max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert tokens[0, 5:].tolist() != other[0, 3:].tolist()


def test_beams_may_be_reordered(model: Path) -> None:
    assert generated(model, beams=3)[0].shape == (2, 13)
