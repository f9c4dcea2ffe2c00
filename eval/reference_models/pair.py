"""Trains a full and a retain model in the same way, except for the forget set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from eval.core.errors import BadRun
from eval.reference_models.dataset import TrainingDataset
from eval.reference_models.model import load_untrained, make_tokenizer
from eval.reference_models.recipe import ReferenceRecipe
from eval.reference_models.train import TrainingProgress, recall, train
from eval.runners.prompt_encoder import PromptEncoder
from guard.files import atomic_folder, remove_partial, write_atomically

CONFIG_FILE = "training.json"

PairProgress = Callable[[str, TrainingProgress], None]


class TrainedModel(NamedTuple):
    """A model of a pair: its folder, and the share of its training examples that it reproduces exactly."""

    folder: Path
    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPlan:
    """What to train: a dataset for each model by name, over one shared tokenizer.

    identity  what identifies the training in addition to its recipe: benchmark, digest of its data, limit
    """

    out: Path
    recipe: ReferenceRecipe
    texts: Sequence[str]
    chat: bool
    datasets: Mapping[str, Callable[[PromptEncoder], TrainingDataset]]
    identity: Mapping[str, Any]


def train_pair(plan: PairPlan, progress: PairProgress) -> list[TrainedModel]:
    """Train the models that are missing, one after the other. A model's folder exists only when it is complete.

    Raises BadRun if the folder holds another training, or cannot be written.
    """
    _claim(plan)
    tokenizer = make_tokenizer(plan.recipe, plan.texts, chat=plan.chat)
    encoder = PromptEncoder(tokenizer)
    return [_train(plan, name, make(encoder), tokenizer, progress) for name, make in plan.datasets.items()]


def _train(
    plan: PairPlan, name: str, dataset: TrainingDataset, tokenizer: Any, progress: PairProgress
) -> TrainedModel:
    folder, checkpoint = plan.out / name, plan.out / f"{name}.checkpoint"
    result = folder / "recall.json"
    if result.exists():
        return TrainedModel(folder, float(json.loads(result.read_text())["recall"]))
    model = load_untrained(plan.recipe, tokenizer)
    train(model, dataset, plan.recipe, checkpoint, lambda step: progress(name, step))
    share = recall(model, dataset, plan.recipe)
    try:
        remove_partial(plan.out)
        # Durable: the checkpoint is removed next.
        with atomic_folder(folder, durable=True) as partial:
            model.to("cpu", torch.bfloat16).save_pretrained(partial)
            tokenizer.save_pretrained(partial)
            (partial / "recall.json").write_text(json.dumps({"recall": share}) + "\n")
    except OSError as error:
        raise BadRun(f"{folder}: cannot be written ({error.strerror}); run again to go on") from None
    checkpoint.unlink(missing_ok=True)
    return TrainedModel(folder, share)


def _claim(plan: PairPlan) -> None:
    path = plan.out / CONFIG_FILE
    wanted = json.loads(json.dumps({**plan.identity, "recipe": asdict(plan.recipe)}))
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_atomically(path, json.dumps(wanted, indent=2) + "\n", durable=True, private=False)
        existing = json.loads(path.read_text())
    except OSError as error:
        raise BadRun(f"{plan.out}: cannot be written ({error.strerror})") from None
    except ValueError:
        raise BadRun(f"{path}: damaged") from None
    if existing != wanted:
        names = existing.keys() | wanted.keys()
        differing = sorted(name for name in names if existing.get(name) != wanted.get(name))
        raise BadRun(f"{plan.out}: holds a training with another {', '.join(differing)}; choose another folder")
