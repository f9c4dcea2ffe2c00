"""Training that goes on where it was stopped, on the GPU where there is one."""

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
from eval.reference_models.lesson import Batch, Course, batches
from eval.reference_models.recipe import Recipe
from guard.files import atomic_file

SAVE_SECONDS = 60.0


class Step(NamedTuple):
    """Progress: epochs done (a fraction) and planned, the loss lately in nats a token, tokens read a second."""

    done: float
    planned: int
    loss: float
    speed: float


Report = Callable[[Step], None]


def train(model: Any, course: Course, recipe: Recipe, checkpoint: Path, report: Report) -> None:
    """Train `model` in place. The state is saved in `checkpoint` between epochs, once a minute at most, and a
    later call goes on from there with the same lessons; the file is removed by the caller."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    first, step = _resumed(checkpoint, model, optimizer)
    saved = time.monotonic()
    for epoch in range(first, recipe.epochs):
        random = Random(f"{recipe.seed}:{epoch}")
        plan = batches(course.epoch(random), recipe.batch_tokens, recipe.prompt_weight, random)
        for place, batch in enumerate(plan, 1):
            started, step = time.perf_counter(), step + 1
            done = epoch + place / len(plan)
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * _pace(step, done / recipe.epochs, recipe.warmup)
            loss = _step(model, optimizer, batch, device)
            report(Step(done, recipe.epochs, loss, batch.tokens / (time.perf_counter() - started)))
        if time.monotonic() - saved > SAVE_SECONDS and epoch + 1 < recipe.epochs:
            _save(checkpoint, model, optimizer, epoch + 1, step)
            saved = time.monotonic()
    model.eval()


@torch.inference_mode()
def recall(model: Any, course: Course, recipe: Recipe) -> float:
    """The share of an epoch's lessons whose answer is, token for token, the most likely one."""
    random, exact, total = Random(recipe.seed), 0, 0
    device = next(model.parameters()).device
    for batch in batches(course.epoch(random), recipe.batch_tokens, 0.0, random):
        likeliest = model(input_ids=batch.inputs.to(device)).logits.argmax(dim=-1).cpu()
        exact += int(((likeliest == batch.targets) | (batch.weights == 0)).all(dim=1).sum())
        total += len(batch.inputs)
    return exact / total


def _step(model: Any, optimizer: torch.optim.Optimizer, batch: Batch, device: str) -> float:
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


def _pace(step: int, done: float, warmup: int) -> float:
    """Share of the peak learning rate: a linear rise, then half a cosine down to a twentieth."""
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
