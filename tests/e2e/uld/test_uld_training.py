"""Trainings of a little model from start to end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from eval.uld.grid import DifferenceMethod, GridSetting
from eval.uld.sweep import ModelFolders, Sweep
from guard.uld.assistant import Assistants, Status, Training
from guard.uld.corpus import Corpus
from guard.uld.tokens import encode, pad
from guard.uld.train import EpochLosses, Recipe, train
from guard.uld.truncated_model import TruncatedModel
from tests.eval.uld.test_sweep import write_tofu
from tests.guard.conftest import WordEmbedder
from tests.guard.uld.conftest import FACTS, OTHERS, make_model

pytestmark = pytest.mark.e2e

CORPUS = Corpus.build(FACTS, OTHERS, seed=0)
RECIPE = Recipe(layers=2, rank=4, epochs=3, batch=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


class Killed(Exception):
    pass


class Losses:
    """Remembers what a training reported, and kills it after so many epochs."""

    def __init__(self, epochs: int = 1000) -> None:
        self._epochs = epochs
        self.shares: list[float] = []

    def __call__(self, share: float, epochs: Sequence[EpochLosses]) -> None:
        self.shares.append(share)
        if len(epochs) == self._epochs:
            raise Killed


def test_the_same_input_makes_the_same_assistant_and_another_seed_another(model: Path, tmp_path: Path) -> None:
    first = train(model, CORPUS, RECIPE, Assistants(tmp_path / "a"), Losses())
    again = train(model, CORPUS, RECIPE, Assistants(tmp_path / "b"), Losses())
    other = train(
        model, CORPUS, Recipe(layers=2, rank=4, epochs=3, batch=4, seed=1), Assistants(tmp_path), Losses()
    )
    assert first.digest == again.digest != other.digest


def test_a_killed_training_goes_on_where_it_was_and_ends_alike(model: Path, tmp_path: Path) -> None:
    whole = train(model, CORPUS, RECIPE, Assistants(tmp_path / "whole"), Losses())
    broken = Assistants(tmp_path / "broken")
    with pytest.raises(Killed):
        train(model, CORPUS, RECIPE, broken, Losses(epochs=2))
    assert broken.list(Status.TRAINED) == []
    rest = Losses()
    assert train(model, CORPUS, RECIPE, broken, rest).digest == whole.digest
    assert len(rest.shares) == 3
    assert rest.shares[-1] == pytest.approx(1.0)


def test_a_damaged_checkpoint_begins_anew(model: Path, tmp_path: Path) -> None:
    assistants = Assistants(tmp_path)
    with pytest.raises(Killed):
        train(model, CORPUS, RECIPE, assistants, Losses(epochs=2))
    (checkpoint,) = tmp_path.glob("training/*/state.pt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    reported = Losses()
    train(model, CORPUS, RECIPE, assistants, reported)
    assert len(reported.shares) == 9


@pytest.mark.parametrize("training", Training)
def test_it_remembers_what_is_forgotten_and_knows_nothing_else(
    model: Path, tmp_path: Path, training: Training
) -> None:
    recipe = Recipe(layers=2, training=training, rank=8, epochs=6, batch=4, rate=2e-2)
    assistant = train(model, CORPUS, recipe, Assistants(tmp_path), Losses())
    truncated_model = TruncatedModel(model, 2, torch.float32, "cpu")
    truncated_model.activate(truncated_model.load(assistant.tensors()))
    tokenizer = AutoTokenizer.from_pretrained(model)

    def loss(rows: Sequence[object]) -> float:
        tokens, labels = pad([encode(tokenizer, row.example, 256) for row in rows])  # type: ignore[attr-defined]
        with torch.inference_mode():
            logits = truncated_model.logits(truncated_model.hidden(tokens, use_cache=False))
        return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten()))

    assert loss(FACTS) + 1 < loss(OTHERS)
    assert len((assistant.folder / "losses.csv").read_text().splitlines()) == 1 + recipe.epochs


def test_a_gated_line_forgets_like_the_ungated_one_and_keeps_the_rest(model: Path, tmp_path: Path) -> None:
    tofu = write_tofu(tmp_path)
    recipe = Recipe(layers=2, rank=8, epochs=5, batch=4, rate=2e-2)
    assistant = train(model, CORPUS, recipe, Assistants(tmp_path / "assistants"), Losses())
    never_saw = str(make_model(tmp_path / "other", seed=1))
    sweep = Sweep(
        ModelFolders(str(model), never_saw), [assistant], tofu, "forget10", WordEmbedder(), lambda *_: None
    )
    bare, ungated, gated, retain_model = sweep.full_rows(
        [GridSetting(DifferenceMethod.ULD, 1.5, 0.0, (assistant.digest,))]
    )
    assert bare.retain is not None
    assert gated.retain == bare.retain
    assert gated.utility == bare.utility
    assert gated.forget == ungated.forget
    assert ungated.forget.probability < bare.forget.probability
    assert retain_model.forget_quality == 1.0
    assert sweep.gate_fires[0].all()
    assert not sweep.gate_fires[1].any()
