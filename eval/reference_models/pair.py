"""Trains a full and a retain model in the same way, except for the forget set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from eval.core.errors import BadRun
from eval.reference_models.dataset import TrainingDataset
from eval.reference_models.lora import load_adapters, merge_adapters, save_adapters
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

    Adapters are kept apart in `NAME-adapter`, and merged into the model's folder; where only they exist, from a
    training elsewhere, they are merged and not trained again. Raises BadRun if the folder holds another training,
    or cannot be written.
    """
    _claim(plan)
    tokenizer = make_tokenizer(plan.recipe, plan.texts, chat=plan.chat)
    encoder = PromptEncoder(tokenizer)
    return [_train(plan, name, make(encoder), tokenizer, progress) for name, make in plan.datasets.items()]


def _train(
    plan: PairPlan, name: str, dataset: TrainingDataset, tokenizer: Any, progress: PairProgress
) -> TrainedModel:
    folder, checkpoint = plan.out / name, plan.out / f"{name}.checkpoint"
    adapters = plan.out / f"{name}-adapter"
    result = folder / "recall.json"
    if result.exists():
        return TrainedModel(folder, float(json.loads(result.read_text())["recall"]))
    model = load_untrained(plan.recipe, tokenizer)
    lora = bool(plan.recipe.lora_rank)
    if not (lora and adapters.exists()):
        train(model, dataset, plan.recipe, checkpoint, lambda step: progress(name, step))
        if lora:
            with _folder(plan, adapters) as partial:
                save_adapters(model, partial, Path(plan.recipe.base).name)
    if lora:
        # Read back: the model that is measured and served is the one that they give, in their precision.
        load_adapters(model, adapters)
        merge_adapters(model)
    share = recall(model, dataset, plan.recipe)
    with _folder(plan, folder) as partial:
        model.to("cpu", torch.bfloat16).save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        (partial / "recall.json").write_text(json.dumps({"recall": share}) + "\n")
    checkpoint.unlink(missing_ok=True)
    return TrainedModel(folder, share)


@contextmanager
def _folder(plan: PairPlan, folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which becomes `folder`, durably, when the block ends."""
    try:
        remove_partial(plan.out)
        with atomic_folder(folder, durable=True) as partial:
            yield partial
    except OSError as error:
        raise BadRun(f"{folder}: cannot be written ({error.strerror}); run again to go on") from None


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
