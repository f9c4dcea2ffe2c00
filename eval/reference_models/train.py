"""Trains a reference model, on the GPU if there is one. An interrupted training resumes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch

from eval.core.errors import BadRun
from eval.reference_models.dataset import TrainingDataset
from eval.reference_models.recipe import ReferenceRecipe
from serving.small_llama.batches import Batch, exact_share, make_batches
from serving.small_llama.trainer import Trainer

SAVE_INTERVAL_S = 30.0
"""Between two checkpoints; what a killed training does again."""


class TrainingProgress(NamedTuple):
    """Epochs done (a fraction) and planned, the last batch's loss in nats per token, speed, and seconds left."""

    done: float
    planned: int
    loss: float
    tokens_per_second: float
    seconds_left: float


OnProgress = Callable[[TrainingProgress], None]


def train(
    model: Any, dataset: TrainingDataset, recipe: ReferenceRecipe, checkpoint: Path, on_progress: OnProgress
) -> None:
    """Train `model` in place.

    The state is saved to `checkpoint` after a step, every SAVE_INTERVAL_S seconds. A later call resumes from it
    with the same examples in the same order, to the same weights. The caller removes the file.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trainer = Trainer(model, recipe, device=device, bfloat16=True)
    steps, first = 0, _resume(trainer, checkpoint)
    saved, spent, trained = time.monotonic(), 0.0, 0.0
    for epoch in range(recipe.epochs):
        batches = _batches(dataset, Random(f"{recipe.seed}:{epoch}"), recipe.batch_tokens, recipe.prompt_weight)
        for index, batch in enumerate(batches, 1):
            steps += 1
            if steps <= first:
                continue
            started, done = time.perf_counter(), epoch + index / len(batches)
            loss = trainer.step(batch, done / recipe.epochs)
            took = time.perf_counter() - started
            spent, trained = spent + took, trained + 1 / len(batches)
            left = spent / trained * (recipe.epochs - done)
            on_progress(TrainingProgress(done, recipe.epochs, loss, batch.tokens / took, left))
            if time.monotonic() - saved > SAVE_INTERVAL_S:
                _save(trainer, checkpoint, steps)
                saved = time.monotonic()
    model.eval()


def recall(model: Any, dataset: TrainingDataset, recipe: ReferenceRecipe) -> float:
    """Return the share of an epoch's examples whose answer is the most likely one, token by token."""
    return exact_share(model, _batches(dataset, Random(recipe.seed), recipe.batch_tokens, prompt_weight=0.0))


def _batches(dataset: TrainingDataset, random: Random, max_tokens: int, prompt_weight: float) -> list[Batch]:
    examples = [example.encoded(prompt_weight) for example in dataset.epoch(random)]
    return make_batches(examples, max_tokens, random)


def _save(trainer: Trainer, path: Path, steps: int) -> None:
    try:
        trainer.save(path, steps)
    except (OSError, RuntimeError) as error:
        raise BadRun(
            f"{path}: cannot be written; the last state that was is kept ({type(error).__name__})"
        ) from None


def _resume(trainer: Trainer, path: Path) -> int:
    try:
        return trainer.resume(path)
    except Exception as error:
        raise BadRun(f"{path}: damaged ({type(error).__name__}); remove it to start again") from None
