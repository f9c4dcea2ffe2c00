"""Trains the agents model, a small Llama, from scratch. An interrupted training resumes after its last round."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from eval.alu.dialogues import draw_round
from eval.alu.recipe import Recipe
from eval.alu.tokenizer import encode_dialogue
from guard.files import atomic_file
from serving.demo.batch import Batch, batches


class TrainingStep(NamedTuple):
    """Progress: rounds done and planned, and the mean loss of the last round in nats per token."""

    done: int
    planned: int
    loss: float


def train(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast, checkpoint: Path, on_step: Callable[[TrainingStep], None]
) -> LlamaForCausalLM:
    """Return the trained model, in float32. The file `checkpoint` keeps the last round, to resume from."""
    torch.manual_seed(recipe.seed)
    model = LlamaForCausalLM(_config(recipe, tokenizer)).train()
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    steps, first = 0, 0
    if checkpoint.is_file():
        kept = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        steps, first = kept["steps"], kept["round"]
    for number in range(first, recipe.rounds):
        losses = []
        round_batches = _round_batches(recipe, tokenizer, number)
        for index, batch in enumerate(round_batches):
            steps += 1
            done = (number + index / len(round_batches)) / recipe.rounds
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * _learning_rate_share(steps, done, recipe.warmup)
            loss = _loss(model, batch)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        with atomic_file(checkpoint, durable=True, private=False) as file:
            torch.save({**state, "steps": steps, "round": number + 1}, file)
        on_step(TrainingStep(number + 1, recipe.rounds, sum(losses) / len(losses)))
    return model.eval()


def _round_batches(recipe: Recipe, tokenizer: PreTrainedTokenizerFast, number: int) -> list[Batch]:
    random = recipe.random(number)
    dialogues = [encode_dialogue(tokenizer, dialogue) for dialogue in draw_round(random)]
    return batches(dialogues, recipe.batch_tokens, random)


def _loss(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Return the mean cross entropy of the replies' tokens; logits are computed for these alone."""
    counts = batch.weights > 0
    hidden = model.model(input_ids=batch.inputs).last_hidden_state[counts]
    return cross_entropy(model.lm_head(hidden), batch.targets[counts])


def _learning_rate_share(step: int, done: float, warmup: int) -> float:
    """Return the share of the peak learning rate: a linear warmup, then half a cosine down to a twentieth."""
    return min(1.0, step / warmup) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))


def _config(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
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
