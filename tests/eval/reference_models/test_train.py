from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from eval.reference_models import train as training
from eval.reference_models.model import load_untrained, make_tokenizer
from eval.reference_models.tofu import TofuDataset, all_texts, load_rows
from eval.reference_models.train import TrainingProgress, train
from eval.runners.prompt_encoder import PromptEncoder
from tests.eval.reference_models.conftest import TINY, same


class Interrupted(Exception):
    pass


def interrupt_at(done: float) -> Callable[[TrainingProgress], None]:
    def on_progress(step: TrainingProgress) -> None:
        if step.done > done:
            raise Interrupted

    return on_progress


def test_an_interrupted_training_resumes_to_the_same_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SAVE_INTERVAL_S", 0.0)
    rows = load_rows(data, "forget10", None)
    tokenizer = make_tokenizer(TINY, all_texts(rows.full), chat=True)
    dataset = TofuDataset(rows.full, PromptEncoder(tokenizer))

    def train_weights(
        checkpoint: Path, on_progress: Callable[[TrainingProgress], None]
    ) -> dict[str, torch.Tensor]:
        model = load_untrained(TINY, tokenizer)
        train(model, dataset, TINY, checkpoint, on_progress)
        return dict(model.state_dict())

    uninterrupted = train_weights(tmp_path / "uninterrupted.checkpoint", lambda step: None)
    halves = tmp_path / "halves.checkpoint"
    with pytest.raises(Interrupted):
        train_weights(halves, interrupt_at(2.1))
    steps: list[TrainingProgress] = []
    assert same(train_weights(halves, steps.append), uninterrupted)
    assert steps[0].done > 2
