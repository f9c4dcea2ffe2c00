"""Trains the demo model, a Llama of a few million parameters, from scratch on one CPU core."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from serving.demo.batch import Encoder
from serving.demo.corpus import Corpus
from serving.demo.lesson import deal
from serving.demo.recipe import Recipe
from serving.small_llama.batches import Batch, make_batches
from serving.small_llama.trainer import Trainer, new_model


class Step(NamedTuple):
    """Progress of training: steps done and planned, and the smoothed loss in nats per token."""

    done: int
    planned: int
    loss: float


def train(
    recipe: Recipe, corpus: Corpus, tokenizer: PreTrainedTokenizerFast, report: Callable[[Step], None]
) -> LlamaForCausalLM:
    """Return the trained model, in float32.

    The same recipe and corpus give the same weights, bit for bit, on the same kind of CPU. The caller's random
    state and thread count do not change.
    """
    with _reproducible():
        plan = _plan(recipe, corpus, tokenizer)
        model = new_model(recipe, tokenizer)
        trainer = Trainer(model, recipe)
        smooth = math.log(len(tokenizer))
        for done, batch in enumerate(plan, start=1):
            smooth += 0.05 * (trainer.step(batch, done, len(plan)) - smooth)
            report(Step(done, len(plan), smooth))
        return model.eval()


def _plan(recipe: Recipe, corpus: Corpus, tokenizer: PreTrainedTokenizerFast) -> list[Batch]:
    random, encoder = Random(recipe.seed), Encoder(tokenizer)
    epochs = (encoder.lessons(deal(corpus, random)) for _ in range(recipe.epochs))
    return [batch for epoch in epochs for batch in make_batches(epoch, recipe.batch_tokens, random)]


@contextmanager
def _reproducible() -> Iterator[None]:
    # One thread: splitting a sum among threads changes its last bits, and so every weight.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
