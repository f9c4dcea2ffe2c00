"""A model and its tokenizer before training: new ones, or those of a base model to fine-tune."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

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
    """Return a Llama with random weights, which the seed determines, or the base model; float32, on the CPU."""
    if not recipe.base:
        return new_model(recipe, tokenizer)
    # A base model may have dropout.
    torch.manual_seed(recipe.seed)
    try:
        return AutoModelForCausalLM.from_pretrained(recipe.base, dtype=torch.float32)
    except Exception as error:
        raise ModelUnavailable(f"{Path(recipe.base).name} does not load ({type(error).__name__})") from None
