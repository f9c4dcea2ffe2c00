"""Trains a reference model, on the GPU if there is one. An interrupted training resumes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from eval.core.errors import BadRun
from eval.reference_models.dataset import TrainingBatch, TrainingDataset, make_batches
from eval.reference_models.recipe import ReferenceRecipe
from guard.files import atomic_file

SAVE_INTERVAL_S = 60.0


class TrainingProgress(NamedTuple):
    """Epochs done (a fraction) and planned, the last batch's loss in nats per token, and the training speed."""

    done: float
    planned: int
    loss: float
    tokens_per_second: float


OnProgress = Callable[[TrainingProgress], None]


def train(
    model: Any, dataset: TrainingDataset, recipe: ReferenceRecipe, checkpoint: Path, on_progress: OnProgress
) -> None:
    """Train `model` in place.

    The state is saved to `checkpoint` between epochs, at most once a minute. A later call resumes from it with the
    same examples. The caller removes the file.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    first, step = _resumed(checkpoint, model, optimizer)
    saved = time.monotonic()
    for epoch in range(first, recipe.epochs):
        random = Random(f"{recipe.seed}:{epoch}")
        batches = make_batches(dataset.epoch(random), recipe.batch_tokens, recipe.prompt_weight, random)
        for index, batch in enumerate(batches, 1):
            started, step = time.perf_counter(), step + 1
            done = epoch + index / len(batches)
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * _learning_rate_share(
                    step, done / recipe.epochs, recipe.warmup
                )
            loss = _step(model, optimizer, batch, device)
            on_progress(
                TrainingProgress(done, recipe.epochs, loss, batch.tokens / (time.perf_counter() - started))
            )
        if time.monotonic() - saved > SAVE_INTERVAL_S and epoch + 1 < recipe.epochs:
            _save(checkpoint, model, optimizer, epoch + 1, step)
            saved = time.monotonic()
    model.eval()


@torch.inference_mode()
def recall(model: Any, dataset: TrainingDataset, recipe: ReferenceRecipe) -> float:
    """Return the share of an epoch's examples whose answer is the most likely one, token by token."""
    random, exact, total = Random(recipe.seed), 0, 0
    device = next(model.parameters()).device
    for batch in make_batches(dataset.epoch(random), recipe.batch_tokens, 0.0, random):
        predicted = model(input_ids=batch.inputs.to(device)).logits.argmax(dim=-1).cpu()
        exact += int(((predicted == batch.targets) | (batch.weights == 0)).all(dim=1).sum())
        total += len(batch.inputs)
    return exact / total


def _step(model: Any, optimizer: torch.optim.Optimizer, batch: TrainingBatch, device: str) -> float:
    with torch.autocast(device, torch.bfloat16):
        hidden = model.base_model(input_ids=batch.inputs.to(device)).last_hidden_state
        counts = (batch.weights > 0).to(device)
        logits = model.get_output_embeddings()(hidden[counts])
    loss = _loss(logits.float(), batch.targets.to(device)[counts], batch.weights.to(device)[counts])
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def _loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    return (cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()


def _learning_rate_share(step: int, done: float, warmup: int) -> float:
    """Return the share of the peak learning rate: a linear warmup, then half a cosine down to a twentieth."""
    return min(1.0, step / max(1, warmup)) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))


def _save(path: Path, model: Any, optimizer: torch.optim.Optimizer, epoch: int, step: int) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch, "step": step}
    try:
        # Durable: it may hold hours of work, and a damaged one has to be removed by hand.
        with atomic_file(path, durable=True, private=False) as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        # torch reports a full disk as a RuntimeError.
        raise BadRun(
            f"{path}: cannot be written; the last state that was is kept ({type(error).__name__})"
        ) from None


def _resumed(path: Path, model: Any, optimizer: torch.optim.Optimizer) -> tuple[int, int]:
    if not path.exists():
        return 0, 0
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return int(state["epoch"]), int(state["step"])
    except Exception as error:
        raise BadRun(f"{path}: damaged ({type(error).__name__}); remove it to begin anew") from None
