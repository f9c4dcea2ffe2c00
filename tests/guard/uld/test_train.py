from __future__ import annotations

from pathlib import Path

import pytest

from guard.errors import ModelUnavailable
from guard.uld.assistant import Assistants, Standing
from guard.uld.corpus import Corpus
from guard.uld.train import Epoch, Recipe, losses, train
from tests.guard.uld.conftest import FACTS, OTHERS

RECIPE = Recipe(layers=1, rank=1, epochs=1, batch=12)


def test_a_disk_that_refuses_is_a_clear_error_and_nothing_is_added(model: Path, tmp_path: Path) -> None:
    (tmp_path / "training").write_text("in the way")
    corpus = Corpus.build(FACTS, OTHERS, seed=0)
    with pytest.raises(ModelUnavailable, match="cannot be written"):
        train(model, corpus, RECIPE, Assistants(tmp_path), lambda *_: None)
    assert Assistants(tmp_path).list(Standing.TRAINED) == []


def test_without_texts_there_is_nothing_to_train(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="texts to keep"):
        train(model, Corpus((), ()), RECIPE, Assistants(tmp_path), lambda *_: None)


def test_both_losses_are_drawn() -> None:
    assert losses([Epoch(2.0, 3.0), Epoch(1.0, 2.0)]).count("<polyline") == 2
