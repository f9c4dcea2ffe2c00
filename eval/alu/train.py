"""Training the agents model: a small Llama, from nothing, in rounds that an interrupted training goes on from."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from eval.alu.dialogues import round_of
from eval.alu.lessons import encoded
from eval.alu.recipe import Recipe
from guard.files import atomic_file
from serving.demo.batch import Batch, batches


class Step(NamedTuple):
    """Progress: rounds done and planned, and the mean loss of the last round, in nats a token."""

    done: int
    planned: int
    loss: float


def train(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast, checkpoint: Path, report: Callable[[Step], None]
) -> LlamaForCausalLM:
    """Return the trained model, in float32. Each round is kept in the file `checkpoint`, and gone on from."""
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
        lessons = _lessons(recipe, tokenizer, number)
        for place, batch in enumerate(lessons):
            steps += 1
            done = (number + place / len(lessons)) / recipe.rounds
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * _pace(steps, done, recipe.warmup)
            loss = _loss(model, batch)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        with atomic_file(checkpoint, durable=True, private=False) as file:
            torch.save({**state, "steps": steps, "round": number + 1}, file)
        report(Step(number + 1, recipe.rounds, sum(losses) / len(losses)))
    return model.eval()


def _lessons(recipe: Recipe, tokenizer: PreTrainedTokenizerFast, number: int) -> list[Batch]:
    random = recipe.random(number)
    return batches([encoded(tokenizer, lesson) for lesson in round_of(random)], recipe.batch_tokens, random)


def _loss(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Mean cross entropy of the replies' tokens; logits are computed for these alone."""
    counts = batch.weights > 0
    hidden = model.model(input_ids=batch.inputs).last_hidden_state[counts]
    return cross_entropy(model.lm_head(hidden), batch.targets[counts])


def _pace(step: int, done: float, warmup: int) -> float:
    """Share of the peak learning rate: a linear rise, then half a cosine down to a twentieth."""
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
