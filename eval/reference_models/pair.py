"""A full and a retain model, trained alike but for the forget set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from eval.core.errors import BadRun
from eval.reference_models.lesson import Course
from eval.reference_models.model import tokenizer_of, untrained
from eval.reference_models.recipe import Recipe
from eval.reference_models.train import Step, recall, train
from eval.runners.prompt_encoder import PromptEncoder
from guard.files import atomic_folder, remove_partial, write_atomically

CONFIG = "training.json"

Progress = Callable[[str, Step], None]


class Trained(NamedTuple):
    """A model of a pair: its folder, and the share of its lessons that it knows by heart."""

    folder: Path
    recall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is trained: `courses` by the name of a model, over a tokenizer that all of them share.

    told  what identifies the training besides its recipe: benchmark, digest of its data, limit
    """

    out: Path
    recipe: Recipe
    texts: Sequence[str]
    chat: bool
    courses: Mapping[str, Callable[[PromptEncoder], Course]]
    told: Mapping[str, Any]


def train_pair(plan: Plan, progress: Progress) -> list[Trained]:
    """Train what is not there yet, one model after the other; each is in its folder whole or not at all.

    Raises BadRun for a folder that holds another training, or cannot be written.
    """
    _claim(plan)
    tokenizer = tokenizer_of(plan.recipe, plan.texts, chat=plan.chat)
    encoder = PromptEncoder(tokenizer)
    return [_train(plan, name, make(encoder), tokenizer, progress) for name, make in plan.courses.items()]


def _train(plan: Plan, name: str, course: Course, tokenizer: Any, progress: Progress) -> Trained:
    folder, checkpoint = plan.out / name, plan.out / f"{name}.checkpoint"
    result = folder / "recall.json"
    if result.exists():
        return Trained(folder, float(json.loads(result.read_text())["recall"]))
    model = untrained(plan.recipe, tokenizer)
    train(model, course, plan.recipe, checkpoint, lambda step: progress(name, step))
    known = recall(model, course, plan.recipe)
    try:
        remove_partial(plan.out)
        # Durable: the checkpoint is removed next.
        with atomic_folder(folder, durable=True) as partial:
            model.to("cpu", torch.bfloat16).save_pretrained(partial)
            tokenizer.save_pretrained(partial)
            (partial / "recall.json").write_text(json.dumps({"recall": known}) + "\n")
    except OSError as error:
        raise BadRun(f"{folder}: cannot be written ({error.strerror}); run again to go on") from None
    checkpoint.unlink(missing_ok=True)
    return Trained(folder, known)


def _claim(plan: Plan) -> None:
    path = plan.out / CONFIG
    wanted = json.loads(json.dumps({**plan.told, "recipe": asdict(plan.recipe)}))
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_atomically(path, json.dumps(wanted, indent=2) + "\n", durable=True, private=False)
        known = json.loads(path.read_text())
    except OSError as error:
        raise BadRun(f"{plan.out}: cannot be written ({error.strerror})") from None
    except ValueError:
        raise BadRun(f"{path}: damaged") from None
    if known != wanted:
        differing = sorted(name for name in known.keys() | wanted.keys() if known.get(name) != wanted.get(name))
        raise BadRun(f"{plan.out}: holds a training with another {', '.join(differing)}; choose another folder")
