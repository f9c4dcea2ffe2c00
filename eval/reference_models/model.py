"""A model and its tokenizer before training: new ones, or those of a base model to fine-tune."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from eval.reference_models.recipe import ReferenceRecipe
from eval.runners.prompt_encoder import load_tokenizer
from guard.errors import ModelUnavailable
from serving.demo.tokenizer import train_tokenizer as train_chat_tokenizer

PAD, BEGIN, END = "<pad>", "<s>", "</s>"


def make_tokenizer(recipe: ReferenceRecipe, texts: Iterable[str], *, chat: bool) -> Any:
    """Return the base model's tokenizer, or one trained on `texts`, with a chat template if `chat`."""
    if recipe.base:
        return load_tokenizer(recipe.base)
    if chat:
        return train_chat_tokenizer(texts, recipe.vocabulary, recipe.context)
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = [PAD, BEGIN, END]
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    bpe.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, bpe.token_to_id(BEGIN))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_max_length=recipe.context,
    )


def load_untrained(recipe: ReferenceRecipe, tokenizer: Any) -> Any:
    """Return a Llama with random weights, which the seed determines, or the base model; float32, on the CPU."""
    torch.manual_seed(recipe.seed)
    if recipe.base:
        try:
            return AutoModelForCausalLM.from_pretrained(recipe.base, dtype=torch.float32)
        except Exception as error:
            raise ModelUnavailable(f"{Path(recipe.base).name} does not load ({type(error).__name__})") from None
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden,
            intermediate_size=recipe.feed_forward,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.heads,
            max_position_embeddings=recipe.context,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
