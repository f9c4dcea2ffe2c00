from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from guard.errors import ModelUnavailable
from guard.uld.assistant import Assistants, Status, Training
from guard.uld.corpus import Corpus
from guard.uld.train import EpochLosses, Recipe, losses, train
from tests.guard.uld.conftest import FACTS, OTHERS, make_model
from tests.guard.uld.test_assistant import described

RECIPE = Recipe(layers=1, rank=1, epochs=1, batch=12)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file grows beyond some bytes: writing more fails, as it does on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_a_clear_error_and_the_old_assistant_stays_promoted(model: Path, tmp_path: Path) -> None:
    assistants = Assistants(tmp_path)
    old = assistants.promote(assistants.add(described(model), {"a": torch.ones(1)}, {}).digest, model)
    corpus = Corpus.build(FACTS, OTHERS, seed=0)
    with full_disk(), pytest.raises(ModelUnavailable, match="cannot be written"):
        train(model, corpus, RECIPE, assistants, lambda *_: None)
    with full_disk(), pytest.raises(ModelUnavailable, match="cannot be written"):
        assistants.add(described(model, seed=1), {"a": torch.ones(1000)}, {})
    assert assistants.list(Status.TRAINED) == []
    assert assistants.list(Status.PROMOTED) == [old]


def test_without_texts_there_is_nothing_to_train(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="texts to keep"):
        train(model, Corpus((), ()), RECIPE, Assistants(tmp_path), lambda *_: None)


def test_both_losses_of_every_epoch_are_written() -> None:
    assert losses([EpochLosses(2.0, 3.0), EpochLosses(1.0, 2.5)]).splitlines() == [
        "epoch,forget,retain",
        "1,2.000000,3.000000",
        "2,1.000000,2.500000",
    ]


def test_an_assistant_of_the_difference_brings_the_target_near_the_model_that_never_saw(
    model: Path, tmp_path: Path
) -> None:
    never_saw = make_model(tmp_path / "never-saw", seed=9)
    corpus = Corpus.build(FACTS, OTHERS, seed=0)
    recipe = Recipe(layers=2, training=Training.FULL, epochs=12, batch=12, rate=1e-2, retain_weight=1.0)
    assistant = train(model, corpus, recipe, Assistants(tmp_path), lambda *_: None, never_saw=never_saw)
    first, *_, last = (assistant.folder / "losses.csv").read_text().splitlines()[1:]
    assert float(last.split(",")[1]) < 0.8 * float(first.split(",")[1])
    assert (assistant.manifest.alpha, assistant.manifest.filter_rate) == (1.0, 0.0)


def test_a_model_of_another_vocabulary_cannot_be_the_one_that_never_saw(model: Path, tmp_path: Path) -> None:
    other = make_model(tmp_path / "other", seed=9, words=320)
    with pytest.raises(ModelUnavailable, match="another vocabulary"):
        train(
            model,
            Corpus.build(FACTS, OTHERS, seed=0),
            RECIPE,
            Assistants(tmp_path),
            lambda *_: None,
            never_saw=other,
        )
