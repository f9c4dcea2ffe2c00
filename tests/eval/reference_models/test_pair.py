from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from eval.core.errors import BadRun
from eval.reference_models.pair import train_pair
from eval.reference_models.recipe import ADAPTED, FINE_TUNED
from eval.reference_models.train import TrainingProgress
from tests.eval.reference_models.conftest import TINY, pair_plan, same


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_a_pair_is_trained_once(data: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, TrainingProgress]] = []
    trained = train_pair(pair_plan(data, tmp_path / "out"), lambda name, step: seen.append((name, step)))
    assert [model.folder.name for model in trained] == ["full", "retain"]
    assert {name for name, step in seen if step.done == step.planned == 3} == {"full", "retain"}
    assert not same(weights(trained[0].folder), weights(trained[1].folder))
    seen.clear()
    assert train_pair(pair_plan(data, tmp_path / "out"), lambda name, step: seen.append((name, step))) == trained
    assert seen == []


def test_a_folder_of_another_training_is_refused(data: Path, tmp_path: Path) -> None:
    train_pair(pair_plan(data, tmp_path / "out", replace(TINY, epochs=1)), lambda *_: None)
    with pytest.raises(BadRun, match="another recipe"):
        train_pair(pair_plan(data, tmp_path / "out"), lambda *_: None)


def test_a_damaged_checkpoint_is_an_error(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "full.checkpoint").write_bytes(b"half")
    with pytest.raises(BadRun, match="damaged"):
        train_pair(pair_plan(data, tmp_path / "out"), lambda *_: None)


def test_a_base_model_is_fine_tuned_with_its_own_tokenizer(data: Path, tmp_path: Path) -> None:
    base = train_pair(pair_plan(data, tmp_path / "base", replace(TINY, epochs=1)), lambda *_: None)[0].folder
    recipe = replace(FINE_TUNED, base=str(base), epochs=1, batch_tokens=64, learning_rate=1e-2)
    tuned = train_pair(pair_plan(data, tmp_path / "tuned", recipe), lambda *_: None)[0].folder
    assert not same(weights(tuned), weights(base))
    assert (tuned / "tokenizer.json").read_text() == (base / "tokenizer.json").read_text()


def adapted_pair(data: Path, base: Path, out: Path) -> list[Path]:
    recipe = replace(ADAPTED, base=str(base), lora_rank=2, epochs=2, batch_tokens=64, learning_rate=5e-2)
    return [model.folder for model in train_pair(pair_plan(data, out, recipe), lambda *_: None)]


def test_adapters_are_trained_and_merged_into_a_model(data: Path, tmp_path: Path) -> None:
    base = train_pair(pair_plan(data, tmp_path / "base", replace(TINY, epochs=1)), lambda *_: None)[0].folder
    full, retain = adapted_pair(data, base, tmp_path / "out")
    assert weights(full).keys() == weights(base).keys()
    assert not same(weights(full), weights(base))
    assert not same(weights(full), weights(retain))
    assert (tmp_path / "out" / "retain-adapter" / "adapter_config.json").is_file()


def test_adapters_from_elsewhere_are_merged_and_not_trained(data: Path, tmp_path: Path) -> None:
    base = train_pair(pair_plan(data, tmp_path / "base", replace(TINY, epochs=1)), lambda *_: None)[0].folder
    trained = adapted_pair(data, base, tmp_path / "there")
    for name in ("full-adapter", "retain-adapter"):
        shutil.copytree(tmp_path / "there" / name, tmp_path / "here" / name)
    recipe = replace(ADAPTED, base=str(base), lora_rank=2)
    steps: list[TrainingProgress] = []
    merged = train_pair(pair_plan(data, tmp_path / "here", recipe), lambda name, step: steps.append(step))
    assert steps == []
    assert all(same(weights(model.folder), weights(one)) for model, one in zip(merged, trained, strict=True))
