"""Trains adapters for TOFU on a machine with a GPU that has only torch, transformers and safetensors.

    python -m eval.reference_models.gpu split MODEL PARTS     here: the model in files of at most 60 MB
    python -m eval.reference_models.gpu train PARTS DATA OUT  there: `OUT/full-adapter` and `OUT/retain-adapter`

Copied into the folder of `lethe eval train-reference tofu --base MODEL --lora-rank 16 --out FOLDER`, the adapters
are merged by that command instead of trained.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import torch
from transformers import AutoModelForCausalLM

from eval.reference_models.pair import PairPlan, train_pair
from eval.reference_models.recipe import ADAPTED, ReferenceRecipe
from eval.reference_models.tofu import TofuDataset, load_authors, load_rows
from eval.reference_models.train import TrainingProgress
from eval.runners.prompt_encoder import load_tokenizer

PART_SIZE: Final = "60MB"


def split(model: Path, parts: Path) -> None:
    """Write the model of the folder `model` into `parts`, in bfloat16, as several files of at most PART_SIZE."""
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16)
    loaded.save_pretrained(parts, max_shard_size=PART_SIZE)
    load_tokenizer(str(model)).save_pretrained(parts)


def train(parts: Path, data: Path, out: Path, models: str, recipe: ReferenceRecipe, authors: int) -> None:
    """Train the adapters of TOFU forget10 for `models`, "full", "retain" or both; authors 0: all."""
    rows = load_authors(data, "forget10", authors) if authors else load_rows(data, "forget10", None, common=False)
    plan = PairPlan(
        out=out,
        recipe=replace(recipe, base=str(parts)),
        texts=(),
        chat=True,
        datasets={name: partial(TofuDataset, getattr(rows, name)) for name in models.split(",")},
        identity={"benchmark": "tofu forget10", "authors": authors},
    )
    for model in train_pair(plan, _print_progress):
        print(f"{model.folder}: reproduces {model.recall:.1%} of its training examples exactly", flush=True)


def _print_progress(name: str, now: TrainingProgress) -> None:
    figures = f"loss {now.loss:.3f} {now.tokens_per_second:.0f} tok/s {now.seconds_left:.0f} s left"
    print(f"{name} epoch {now.done:.2f} of {now.planned} {figures}", flush=True)


def main() -> None:
    """Run one of the two steps."""
    parser = argparse.ArgumentParser(description="Train adapters for TOFU on a GPU.")
    steps = parser.add_subparsers(dest="step", required=True)
    splitting = steps.add_parser("split", help="write a model in files of at most 60 MB")
    splitting.add_argument("model", type=Path)
    splitting.add_argument("parts", type=Path)
    training = steps.add_parser("train", help="train the full and the retain adapters")
    for name in ("parts", "data", "out"):
        training.add_argument(name, type=Path)
    training.add_argument("--authors", type=int, default=0, help="0: all")
    training.add_argument("--models", default="full,retain", help="which of the two, by commas")
    training.add_argument("--rank", type=int, default=16)
    training.add_argument("--epochs", type=int, default=ADAPTED.epochs)
    training.add_argument("--batch-tokens", type=int, default=ADAPTED.batch_tokens)
    given = parser.parse_args()
    if given.step == "split":
        split(given.model, given.parts)
    else:
        recipe = replace(ADAPTED, lora_rank=given.rank, epochs=given.epochs, batch_tokens=given.batch_tokens)
        train(given.parts, given.data, given.out, given.models, recipe, given.authors)


if __name__ == "__main__":
    main()
