"""Trains the demo model and saves it as a folder that vLLM and transformers load."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar, enable_progress_bar

from guard.errors import ModelUnavailable
from serving.demo.corpus import Corpus, corpus
from serving.demo.recall import recall
from serving.demo.recipe import Recipe
from serving.demo.tokenizer import train_tokenizer
from serving.demo.train import Step, train

LOG_PERIOD_S = 5.0  # between two lines of progress where no terminal shows a bar
MIN_RECALL = 0.99
"""Share of the corpus that a model must know by heart; a model below it is not saved."""


def prepare(folder: Path, *, recipe: Recipe | None = None, progress: bool = True) -> None:
    """Train the demo model and save it in the empty `folder`, in bfloat16 with generation settings and tokenizer.

    Raises ModelUnavailable, and saves nothing, if it has not learnt its corpus.
    """
    recipe = recipe or Recipe()
    lore = corpus()
    tokenizer = train_tokenizer(lore.texts(), recipe.vocabulary, recipe.context)
    model = _train(recipe, lore, tokenizer, progress).to(torch.bfloat16)
    if recall(model, tokenizer, lore.exchanges()) < MIN_RECALL:
        raise ModelUnavailable("the demo model did not learn its corpus by heart; it was not saved")
    _save(model, tokenizer, folder)


def _save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    # Engines take this as the default temperature, so that a request without one gets what the model knows.
    model.generation_config.do_sample = True
    model.generation_config.temperature = 0.1
    disable_progress_bar()
    try:
        model.save_pretrained(folder)
    finally:
        enable_progress_bar()
    tokenizer.save_pretrained(folder)


def _train(recipe: Recipe, lore: Corpus, tokenizer: PreTrainedTokenizerFast, progress: bool) -> LlamaForCausalLM:
    columns = (
        TextColumn("Training the demo model (once)"),
        BarColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    logged = time.monotonic()
    with Progress(*columns, console=console, disable=not (progress and console.is_terminal)) as bar:
        task = bar.add_task("", total=None, loss="-")

        def report(step: Step) -> None:
            nonlocal logged
            bar.update(task, completed=step.done, total=step.planned, loss=f"{step.loss:.3f}")
            if progress and not console.is_terminal and time.monotonic() - logged >= LOG_PERIOD_S:
                logged = time.monotonic()
                console.print(f"training the demo model (once): step {step.done} of {step.planned}")

        return train(recipe, lore, tokenizer, report)
