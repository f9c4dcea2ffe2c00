from __future__ import annotations

from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from serving.small_llama.batches import Batch, Encoded, exact_share, make_batches
from serving.small_llama.tokenizer import SpecialTokens, train_bpe
from serving.small_llama.trainer import Trainer, new_model

RECIPE: Any = SimpleNamespace(
    hidden=16, layers=1, heads=2, feed_forward=16, context=32, learning_rate=1e-2, warmup=4, seed=0
)
TOKENIZER = train_bpe(["one two three"], 280, 32, SpecialTokens("<pad>", "<s>", "</s>"))


def batch() -> Batch:
    ids = TOKENIZER.encode("one two three")
    (made,) = make_batches([Encoded(ids, [0.0] + [1.0] * (len(ids) - 1))], 100, Random(0))
    return made


def rates(trainer: Trainer, *done: float) -> list[float]:
    found = []
    for share in done:
        trainer.step(batch(), share)
        found.append(trainer._optimizer.param_groups[0]["lr"])
    return found


def test_the_learning_rate_rises_in_the_warmup_and_falls_to_a_twentieth() -> None:
    warmup = rates(Trainer(new_model(RECIPE, TOKENIZER), RECIPE), 0.0, 0.0, 0.0, 0.0, 0.5, 1.0)
    assert warmup == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.00525, 0.0005])


def test_what_is_trained_is_predicted() -> None:
    trainer = Trainer(new_model(RECIPE, TOKENIZER), RECIPE)
    assert exact_share(trainer.model, [batch()]) == 0.0
    losses = [trainer.step(batch(), 0.0) for _ in range(60)]
    assert losses[-1] < 0.5 < losses[0]
    assert exact_share(trainer.model, [batch()]) == 1.0


def test_a_training_that_resumes_from_its_checkpoint_gives_the_same_weights(tmp_path: Path) -> None:
    whole = Trainer(new_model(RECIPE, TOKENIZER), RECIPE)
    assert whole.resume(tmp_path / "checkpoint") == 0
    for done in (0.0, 0.1):
        whole.step(batch(), done)
    whole.save(tmp_path / "checkpoint", done=2)
    resumed = Trainer(new_model(RECIPE, TOKENIZER), RECIPE)
    assert resumed.resume(tmp_path / "checkpoint") == 2
    for trainer in (whole, resumed):
        trainer.step(batch(), 0.2)
    weights = resumed.model.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in whole.model.state_dict().items())


def test_a_base_model_is_trained_without_a_warmup() -> None:
    recipe: Any = SimpleNamespace(**{**vars(RECIPE), "warmup": 0})
    assert rates(Trainer(new_model(recipe, TOKENIZER), recipe), 0.0) == [1e-2]
