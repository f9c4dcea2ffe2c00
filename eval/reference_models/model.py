"""A model and its tokenizer before training: new ones, or those of a base model to fine-tune."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from eval.reference_models.lora import add_adapters
from eval.reference_models.recipe import ReferenceRecipe
from eval.runners.prompt_encoder import load_tokenizer
from guard.errors import ModelUnavailable
from serving.demo.tokenizer import train_tokenizer as train_chat_tokenizer
from serving.small_llama.tokenizer import SpecialTokens, train_bpe
from serving.small_llama.trainer import new_model

SPECIAL_TOKENS = SpecialTokens("<pad>", "<s>", "</s>")


def make_tokenizer(recipe: ReferenceRecipe, texts: Iterable[str], *, chat: bool) -> Any:
    """Return the base model's tokenizer, or one trained on `texts`, with a chat template if `chat`."""
    if recipe.base:
        return load_tokenizer(recipe.base)
    if chat:
        return train_chat_tokenizer(texts, recipe.vocabulary, recipe.context)
    return train_bpe(texts, recipe.vocabulary, recipe.context, SPECIAL_TOKENS)


def load_untrained(recipe: ReferenceRecipe, tokenizer: Any) -> Any:
    """Return a Llama with random weights, which the seed determines, or the base model, on the CPU.

    It is in float32; a base model that gets adapters, whose own weights are not trained, in bfloat16.
    """
    if not recipe.base:
        return new_model(recipe, tokenizer)
    # A base model may have dropout.
    torch.manual_seed(recipe.seed)
    dtype = torch.bfloat16 if recipe.lora_rank else torch.float32
    # On the CPU the backward pass of torch's fused attention takes longer than all matrix products together.
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    try:
        model = AutoModelForCausalLM.from_pretrained(recipe.base, dtype=dtype, attn_implementation=attention)
    except Exception as error:
        raise ModelUnavailable(f"{Path(recipe.base).name} does not load ({type(error).__name__})") from None
    if recipe.lora_rank:
        add_adapters(model, recipe.lora_rank)
    return model
