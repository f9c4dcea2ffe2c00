"""Training an assistant: remember D_f', know nothing on D_r'."""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from guard.errors import ModelUnavailable
from guard.files import atomic_file
from guard.targets.question_file import Example
from guard.uld import digests
from guard.uld.assistant import Assistant, Assistants, Training
from guard.uld.corpus import Corpus
from guard.uld.tokens import UNSCORED, Encoded, encode, pad
from guard.uld.truncated_model import Trunk

ALPHA = 0.75
FILTER_RATE = 0.01
_WARM_UP = 0.1
_CLIP = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an assistant is trained; defaults as the paper has them (arXiv 2406.08607, App. B).

    retain_weight is beta; batch counts forget examples, and as many retain examples join each of them.
    """

    layers: int
    training: Training = Training.LOW_RANK
    rank: int = 32
    epochs: int = 10
    rate: float = 1e-3
    decay: float = 0.01
    retain_weight: float = 6.5
    batch: int = 16
    longest: int = 256
    seed: int = 0


class Epoch(NamedTuple):
    """Mean losses of an epoch in nats: cross-entropy on D_f', divergence from the uniform distribution on D_r'."""

    forget: float
    retain: float


Report = Callable[[float, Sequence[Epoch]], None]
"""Told, after each step, the share of the training that is done, and the losses of the finished epochs."""


def train(
    model: str | Path,
    corpus: Corpus,
    recipe: Recipe,
    assistants: Assistants,
    report: Report,
    targets: Sequence[str] = (),
) -> Assistant:
    """Train an assistant of `model` and add it to `assistants`; the same digest for the same input on a CPU.

    `targets` are the ids of the forget targets that it is to be subtracted for. A training that was killed goes on
    from its last whole epoch. Raises ModelUnavailable when the model does not load or the disk refuses; nothing is
    added then.
    """
    if not corpus.forget or not corpus.retain:
        raise ModelUnavailable("an assistant needs texts to forget and texts to keep")
    belongs = {
        "base": digests.of_weights(model),
        "tokenizer": digests.of_tokenizer(model),
        "corpus": corpus.digest,
    }
    key = hashlib.sha256(json.dumps([belongs, asdict(recipe)], sort_keys=True).encode()).hexdigest()
    checkpoint = Checkpoint(assistants.root / "training" / key[:32])
    course = _Course(model, corpus, recipe)
    checkpoint.restore(course)
    while len(course.epochs) < recipe.epochs:
        course.epoch(report)
        checkpoint.keep(course)
    last = course.epochs[-1]
    manifest = belongs | {
        "layers": recipe.layers,
        "training": recipe.training,
        "rank": recipe.rank if recipe.training is Training.LOW_RANK else 0,
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "alpha": ALPHA,
        "filter_rate": FILTER_RATE,
        "forget_loss": round(last.forget, 6),
        "retain_loss": round(last.retain, 6),
        "targets": tuple(targets),
    }
    weights = {name: tensor.detach().to(torch.bfloat16) for name, tensor in course.changes.items()}
    assistant = assistants.add(
        manifest, weights, {"recipe.json": _recipe(recipe), "losses.csv": losses(course.epochs)}
    )
    checkpoint.remove()
    return assistant


def losses(epochs: Sequence[Epoch]) -> str:
    """Return both losses of each epoch in nats, as CSV."""
    rows = [f"{number},{epoch.forget:.6f},{epoch.retain:.6f}" for number, epoch in enumerate(epochs, 1)]
    return "\n".join(["epoch,forget,retain", *rows]) + "\n"


class Checkpoint:
    """The state of one training after its last whole epoch, replaced in one rename."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "state.pt"

    def restore(self, course: _Course) -> None:
        """Bring a course to where it was; one that was never kept, or not in whole, begins anew."""
        if not self._file.is_file():
            return
        try:
            course.state = torch.load(self._file, weights_only=True)
        except Exception:
            self.remove()

    def keep(self, course: _Course) -> None:
        """Write the state of a course; raises ModelUnavailable when the disk refuses, and keeps the one before."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Not durable: a state that a power cut tore is dropped, and the training begins again.
            with atomic_file(self._file, durable=False, private=False) as file:
                torch.save(course.state, file)
        except (OSError, RuntimeError) as error:
            raise ModelUnavailable(f"the training's state cannot be written: {type(error).__name__}") from error

    def remove(self) -> None:
        """Delete the state."""
        shutil.rmtree(self._folder, ignore_errors=True)


class _Course:
    """A training under way. Whatever is drawn in an epoch depends on the seed and the epoch alone."""

    def __init__(self, model: str | Path, corpus: Corpus, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe = recipe
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._trunk = Trunk(model, recipe.layers, torch.float32, device)
        low_rank = recipe.training is Training.LOW_RANK
        made = self._trunk.low_rank(recipe.rank) if low_rank else self._trunk.whole()
        self.changes = self._trunk.placed(made)
        self._forget = _encoded(model, corpus.forget, recipe)
        self._retain = _encoded(model, corpus.retain, recipe)
        self._optimizer = torch.optim.AdamW(self.changes.values(), lr=recipe.rate, weight_decay=recipe.decay)
        self._steps = recipe.epochs * math.ceil(len(self._forget) / recipe.batch)
        self.epochs: list[Epoch] = []

    @property
    def state(self) -> dict[str, Any]:
        """All that a later epoch depends on."""
        weights = {name: tensor.detach() for name, tensor in self.changes.items()}
        epochs = [tuple(epoch) for epoch in self.epochs]
        return {"weights": weights, "optimizer": self._optimizer.state_dict(), "epochs": epochs}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._optimizer.load_state_dict(state["optimizer"])
        self.epochs = [Epoch(*epoch) for epoch in state["epochs"]]
        with torch.no_grad():
            for name, tensor in state["weights"].items():
                self.changes[name].copy_(tensor)

    def epoch(self, report: Report) -> None:
        """Go once through D_f'."""
        self._trunk.wear(self.changes)
        batches = list(self._batches())
        before, totals = len(self.epochs) * len(batches), torch.zeros(2)
        for number, batch in enumerate(batches):
            totals += self._step(before + number, *batch)
            report((before + number + 1) / self._steps, self.epochs)
        forget, retain = (totals / len(batches)).tolist()
        self.epochs.append(Epoch(forget, retain))

    def _batches(self) -> Iterator[tuple[list[Encoded], list[Encoded]]]:
        draw = random.Random(f"{self._recipe.seed}/{len(self.epochs)}")
        # Examples of like length share a batch, as a batch costs what its longest example costs.
        forget = sorted(self._forget, key=lambda e: len(e) + draw.random() * 20)
        drawn = draw.choices(self._retain, k=len(forget))
        retain = sorted(drawn, key=len)
        size = self._recipe.batch
        batches = [(forget[i : i + size], retain[i : i + size]) for i in range(0, len(forget), size)]
        draw.shuffle(batches)
        yield from batches

    def _step(self, number: int, forget: list[Encoded], retain: list[Encoded]) -> torch.Tensor:
        recipe = self._recipe
        warm = min(1.0, (number + 1) / max(1.0, _WARM_UP * self._steps))
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.rate * warm * (1 - number / self._steps)
        remembering, forgetting = self._losses(forget, retain)
        self._optimizer.zero_grad()
        torch.autograd.backward(remembering + recipe.retain_weight * forgetting)
        torch.nn.utils.clip_grad_norm_(list(self.changes.values()), _CLIP)
        self._optimizer.step()
        return torch.stack([remembering, forgetting]).detach().cpu()

    def _losses(self, forget: list[Encoded], retain: list[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the two losses, each a mean over the answers' tokens; prompts and padding have no part."""
        tokens, labels = pad([*forget, *retain])
        device = self._trunk.device
        tokens, labels = tokens.to(device), labels.to(device)
        scored = labels != UNSCORED
        remembered = torch.zeros_like(scored)
        remembered[: len(forget)] = scored[: len(forget)]
        with torch.autocast(device.type, torch.bfloat16):
            logits = self._trunk.logits(self._trunk.hidden(tokens, use_cache=False)[scored])
        log_p = functional.log_softmax(logits, dim=-1)
        first = remembered[scored]
        remembering = functional.nll_loss(log_p[first], labels[remembered])
        # Cross-entropy to the uniform distribution, less that distribution's own entropy.
        forgetting = -log_p[~first].mean() - math.log(log_p.shape[-1])
        return remembering, forgetting


def _encoded(model: str | Path, examples: Sequence[Example], recipe: Recipe) -> list[Encoded]:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    except Exception as error:
        raise ModelUnavailable(f"the tokenizer does not load: {type(error).__name__}") from error
    return [encode(tokenizer, example, recipe.longest) for example in examples]


def _recipe(recipe: Recipe) -> str:
    return json.dumps(asdict(recipe), indent=1) + "\n"
