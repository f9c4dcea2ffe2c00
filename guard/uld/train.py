"""Trains an assistant: it must remember D_f' and know nothing about D_r'."""

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
from guard.uld import digests
from guard.uld.assistant import Assistant, Assistants, Training
from guard.uld.corpus import Corpus
from guard.uld.never_saw import NeverSaw
from guard.uld.tokens import UNSCORED, EncodedExample, encode, pad
from guard.uld.truncated_model import TruncatedModel

ALPHA = 0.75
FILTER_RATE = 0.01
# Share of the steps in which the learning rate rises.
_WARM_UP_SHARE = 0.1
_MAX_GRAD_NORM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an assistant is trained; the defaults are the paper's (arXiv 2406.08607, App. B).

    rate           learning rate
    decay          weight decay
    retain_weight  beta
    batch          forget examples in a batch, which has as many retain examples
    longest        maximum tokens of an example
    """

    layers: int
    training: Training = Training.LORA
    rank: int = 32
    epochs: int = 10
    rate: float = 1e-3
    decay: float = 0.01
    retain_weight: float = 6.5
    batch: int = 16
    longest: int = 256
    seed: int = 0


class EpochLosses(NamedTuple):
    """Mean losses of an epoch in nats: cross-entropy on D_f', divergence from the uniform distribution on D_r'."""

    forget: float
    retain: float


ReportProgress = Callable[[float, Sequence[EpochLosses]], None]
"""Called after each step with the share of the training done and the losses of the finished epochs."""


def train(
    model: str | Path,
    corpus: Corpus,
    recipe: Recipe,
    assistants: Assistants,
    report: ReportProgress,
    targets: Sequence[str] = (),
    never_saw: str | Path | None = None,
) -> Assistant:
    """Train an assistant of `model` and add it to `assistants`; the same digest for the same input on a CPU.

    `targets` are the ids of the forget targets that it will be subtracted for. With the folder of a model that
    never saw the texts, the assistant is trained to be the difference of the two, to be subtracted whole. A killed
    training is resumed from its last complete epoch. Raises ModelUnavailable when the model does not load or a
    file cannot be written; nothing is added then.
    """
    if not corpus.forget or not corpus.retain:
        raise ModelUnavailable("an assistant needs texts to forget and texts to keep")
    belongs = {
        "base": digests.of_weights(model),
        "tokenizer": digests.of_tokenizer(model),
        "corpus": corpus.digest,
    }
    if never_saw is not None:
        belongs |= {"never_saw": digests.of_weights(never_saw)}
    key = hashlib.sha256(json.dumps([belongs, asdict(recipe)], sort_keys=True).encode()).hexdigest()
    checkpoint = Checkpoint(assistants.root / "training" / key[:32])
    run = _TrainingRun(model, corpus, recipe, never_saw)
    checkpoint.restore(run)
    while len(run.epochs) < recipe.epochs:
        run.epoch(report)
        checkpoint.save(run)
    last = run.epochs[-1]
    learnt_from = belongs.pop("never_saw", "")
    manifest = belongs | {
        "layers": recipe.layers,
        "training": recipe.training,
        "rank": recipe.rank if recipe.training is Training.LORA else 0,
        "epochs": recipe.epochs,
        "seed": recipe.seed,
        "alpha": 1.0 if learnt_from else ALPHA,
        "filter_rate": 0.0 if learnt_from else FILTER_RATE,
        "forget_loss": round(last.forget, 6),
        "retain_loss": round(last.retain, 6),
        "targets": tuple(targets),
    }
    weights = {name: tensor.detach().to(torch.bfloat16) for name, tensor in run.adapter.items()}
    assistant = assistants.add(
        manifest, weights, {"recipe.json": _recipe(recipe, learnt_from), "losses.csv": losses(run.epochs)}
    )
    checkpoint.remove()
    return assistant


def losses(epochs: Sequence[EpochLosses]) -> str:
    """Return both losses of each epoch in nats, as CSV."""
    rows = [f"{number},{epoch.forget:.6f},{epoch.retain:.6f}" for number, epoch in enumerate(epochs, 1)]
    return "\n".join(["epoch,forget,retain", *rows]) + "\n"


class Checkpoint:
    """The state of one training after its last complete epoch, replaced atomically."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "state.pt"

    def restore(self, run: _TrainingRun) -> None:
        """Restore a run; without a readable checkpoint it starts from the beginning."""
        if not self._file.is_file():
            return
        try:
            run.state = torch.load(self._file, weights_only=True)
        except Exception:
            self.remove()

    def save(self, run: _TrainingRun) -> None:
        """Write the state of a run; raises ModelUnavailable when it cannot, and keeps the previous state."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Not durable: a state torn by a power cut is dropped, and the training starts again.
            with atomic_file(self._file, durable=False, private=False) as file:
                torch.save(run.state, file)
        except (OSError, RuntimeError) as error:
            raise ModelUnavailable(f"the training's state cannot be written: {type(error).__name__}") from error

    def remove(self) -> None:
        """Delete the state."""
        shutil.rmtree(self._folder, ignore_errors=True)


class _TrainingRun:
    """A training in progress. All randomness of an epoch depends on the seed and the epoch alone."""

    def __init__(self, model: str | Path, corpus: Corpus, recipe: Recipe, never_saw: str | Path | None) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe = recipe
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._truncated_model = TruncatedModel(model, recipe.layers, torch.float32, device)
        lora = recipe.training is Training.LORA
        adapter = self._truncated_model.lora_adapter(recipe.rank) if lora else self._truncated_model.full_adapter()
        self.adapter = self._truncated_model.to_device(adapter)
        tokenizer = _tokenizer(model)
        self._forget = [encode(tokenizer, example, recipe.longest) for example in corpus.forget]
        self._retain = [encode(tokenizer, example, recipe.longest) for example in corpus.retain]
        ends = tokenizer.all_special_ids
        self._never_saw = never_saw and NeverSaw(model, never_saw, ends, self._truncated_model.device)
        self._optimizer = torch.optim.AdamW(self.adapter.values(), lr=recipe.rate, weight_decay=recipe.decay)
        self._steps = recipe.epochs * math.ceil(len(self._forget) / recipe.batch)
        self.epochs: list[EpochLosses] = []

    @property
    def state(self) -> dict[str, Any]:
        """Everything that a later epoch depends on."""
        weights = {name: tensor.detach() for name, tensor in self.adapter.items()}
        epochs = [tuple(epoch) for epoch in self.epochs]
        return {"weights": weights, "optimizer": self._optimizer.state_dict(), "epochs": epochs}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._optimizer.load_state_dict(state["optimizer"])
        self.epochs = [EpochLosses(*epoch) for epoch in state["epochs"]]
        with torch.no_grad():
            for name, tensor in state["weights"].items():
                self.adapter[name].copy_(tensor)

    def epoch(self, report: ReportProgress) -> None:
        """Go once through D_f'."""
        self._truncated_model.activate(self.adapter)
        batches = list(self._batches())
        before, totals = len(self.epochs) * len(batches), torch.zeros(2)
        for number, batch in enumerate(batches):
            totals += self._step(before + number, *batch)
            report((before + number + 1) / self._steps, self.epochs)
        forget, retain = (totals / len(batches)).tolist()
        self.epochs.append(EpochLosses(forget, retain))

    def _batches(self) -> Iterator[tuple[list[EncodedExample], list[EncodedExample]]]:
        draw = random.Random(f"{self._recipe.seed}/{len(self.epochs)}")
        # Examples of similar length share a batch, as a batch costs what its longest example costs.
        forget = sorted(self._forget, key=lambda e: len(e) + draw.random() * 20)
        drawn = draw.choices(self._retain, k=len(forget))
        retain = sorted(drawn, key=len)
        size = self._recipe.batch
        batches = [(forget[i : i + size], retain[i : i + size]) for i in range(0, len(forget), size)]
        draw.shuffle(batches)
        yield from batches

    def _step(self, number: int, forget: list[EncodedExample], retain: list[EncodedExample]) -> torch.Tensor:
        recipe = self._recipe
        warm = min(1.0, (number + 1) / max(1.0, _WARM_UP_SHARE * self._steps))
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.rate * warm * (1 - number / self._steps)
        forget_loss, retain_loss = self._losses(forget, retain)
        self._optimizer.zero_grad()
        torch.autograd.backward(forget_loss + recipe.retain_weight * retain_loss)
        torch.nn.utils.clip_grad_norm_(list(self.adapter.values()), _MAX_GRAD_NORM)
        self._optimizer.step()
        return torch.stack([forget_loss, retain_loss]).detach().cpu()

    def _losses(
        self, forget: list[EncodedExample], retain: list[EncodedExample]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the forget and the retain loss, means over the answers' tokens without prompts and padding.

        With a model that never saw the texts both are divergences from it.
        """
        tokens, labels = pad([*forget, *retain])
        device = self._truncated_model.device
        tokens, labels = tokens.to(device), labels.to(device)
        scored = labels != UNSCORED
        remembered = torch.zeros_like(scored)
        remembered[: len(forget)] = scored[: len(forget)]
        with torch.autocast(device.type, torch.bfloat16):
            logits = self._truncated_model.logits(self._truncated_model.hidden(tokens, use_cache=False)[scored])
        first = remembered[scored]
        if self._never_saw:
            divergence = self._never_saw.divergence(logits, tokens, scored)
            return divergence[first].mean(), divergence[~first].mean()
        log_p = functional.log_softmax(logits, dim=-1)
        forget_loss = functional.nll_loss(log_p[first], labels[remembered])
        # Cross-entropy to the uniform distribution minus that distribution's entropy.
        retain_loss = -log_p[~first].mean() - math.log(log_p.shape[-1])
        return forget_loss, retain_loss


def _tokenizer(model: str | Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model, local_files_only=True)
    except Exception as error:
        raise ModelUnavailable(f"the tokenizer does not load: {type(error).__name__}") from error


def _recipe(recipe: Recipe, never_saw: str) -> str:
    return json.dumps(asdict(recipe) | ({"never_saw": never_saw} if never_saw else {}), indent=1) + "\n"
