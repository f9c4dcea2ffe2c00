"""Training the demo model: a Llama of a few million parameters, from nothing to word-perfect, on one CPU core."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from serving.demo.batch import Batch, Encoder, batches
from serving.demo.corpus import Corpus
from serving.demo.lesson import deal
from serving.demo.recipe import Recipe


class Step(NamedTuple):
    """Progress of training: steps done and planned, and the loss lately, in nats a token."""

    done: int
    planned: int
    loss: float


def train(
    recipe: Recipe, corpus: Corpus, tokenizer: PreTrainedTokenizerFast, report: Callable[[Step], None]
) -> LlamaForCausalLM:
    """The trained model, in float32. The same recipe and corpus give the same weights, bit for bit, on the same
    kind of CPU; the caller's random state and thread count are left as they were."""
    with _reproducible(recipe.seed):
        plan = _plan(recipe, corpus, tokenizer)
        model = LlamaForCausalLM(_config(recipe, tokenizer)).train()
        optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        smooth = math.log(len(tokenizer))
        for done, batch in enumerate(plan, start=1):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * _pace(done, len(plan), recipe.warmup)
            loss = _loss(model, batch)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            optimizer.zero_grad()
            smooth += 0.05 * (loss.item() - smooth)
            report(Step(done, len(plan), smooth))
        return model.eval()


def _plan(recipe: Recipe, corpus: Corpus, tokenizer: PreTrainedTokenizerFast) -> list[Batch]:
    random, encoder = Random(recipe.seed), Encoder(tokenizer)
    epochs = (encoder.lessons(deal(corpus, random)) for _ in range(recipe.epochs))
    return [batch for epoch in epochs for batch in batches(epoch, recipe.batch_tokens, random)]


def _loss(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Mean cross entropy of the tokens that count, by how much they count; logits are computed for these alone."""
    counts = batch.weights > 0
    hidden = model.model(input_ids=batch.inputs).last_hidden_state[counts]
    each = cross_entropy(model.lm_head(hidden), batch.targets[counts], reduction="none")
    weights = batch.weights[counts]
    return (each * weights).sum() / weights.sum()


def _pace(done: int, planned: int, warmup: int) -> float:
    """Share of the peak learning rate: a linear rise, then half a cosine down to a twentieth."""
    fall = 0.5 * (1 + math.cos(math.pi * done / planned))
    return min(1.0, done / warmup) * (0.05 + 0.95 * fall)


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


@contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    # One thread: how a sum is split among threads changes its last bits, and in the end every weight.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
