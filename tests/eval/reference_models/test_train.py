from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eval.reference_models import train as training
from eval.reference_models.lora import add_adapters
from eval.reference_models.model import load_untrained, make_tokenizer
from eval.reference_models.tofu import TofuDataset, all_texts, load_rows
from eval.reference_models.train import TrainingProgress, train
from eval.runners.prompt_encoder import PromptEncoder
from tests.eval.reference_models.conftest import TINY, same


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("lora_rank", [0, 2], ids=["all weights", "adapters"])
@pytest.mark.parametrize("stop", [0.4, 2.1], ids=["in the first epoch", "in the third epoch"])
def test_an_interrupted_training_resumes_at_its_last_step_to_the_same_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lora_rank: int, stop: float
) -> None:
    monkeypatch.setattr(training, "SAVE_INTERVAL_S", 0.0)
    rows = load_rows(data, "forget10", None)
    tokenizer = make_tokenizer(TINY, all_texts(rows.full), chat=True)
    dataset = TofuDataset(rows.full, PromptEncoder(tokenizer))

    def train_weights(
        checkpoint: Path, on_progress: Callable[[TrainingProgress], None]
    ) -> dict[str, torch.Tensor]:
        model = load_untrained(TINY, tokenizer)
        if lora_rank:
            add_adapters(model, lora_rank)
        train(model, dataset, TINY, checkpoint, on_progress)
        return dict(model.state_dict())

    uninterrupted = train_weights(tmp_path / "uninterrupted.checkpoint", lambda step: None)
    halves, before = tmp_path / "halves.checkpoint", list[TrainingProgress]()

    def interrupt(step: TrainingProgress) -> None:
        before.append(step)
        if step.done > stop:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_weights(halves, interrupt)
    after: list[TrainingProgress] = []
    assert same(train_weights(halves, after.append), uninterrupted)
    # The step that was interrupted before it was saved is done again.
    assert after[0].done == before[-1].done


def test_a_checkpoint_of_adapters_leaves_out_the_base_model(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "SAVE_INTERVAL_S", 0.0)
    rows = load_rows(data, "forget10", None)
    tokenizer = make_tokenizer(TINY, all_texts(rows.full), chat=True)
    model = load_untrained(TINY, tokenizer)
    add_adapters(model, 2)
    checkpoint = tmp_path / "checkpoint"
    train(
        model,
        TofuDataset(rows.full, PromptEncoder(tokenizer)),
        replace(TINY, epochs=1),
        checkpoint,
        lambda _: None,
    )
    saved = torch.load(checkpoint, weights_only=True)["model"]
    assert {name.rsplit(".", 1)[1] for name in saved} == {"a", "b"}


def test_progress_tells_how_much_time_is_left(data: Path, tmp_path: Path) -> None:
    rows = load_rows(data, "forget10", None)
    tokenizer = make_tokenizer(TINY, all_texts(rows.full), chat=True)
    dataset, steps = TofuDataset(rows.full, PromptEncoder(tokenizer)), list[TrainingProgress]()
    train(load_untrained(TINY, tokenizer), dataset, TINY, tmp_path / "checkpoint", steps.append)
    assert all(step.seconds_left > 0 for step in steps[:-1])
    assert steps[-1].seconds_left == 0
