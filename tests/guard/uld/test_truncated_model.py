from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from guard.errors import ModelUnavailable
from guard.uld.truncated_model import TruncatedModel, depth

TOKENS = torch.tensor([[1, 5, 9, 40, 77], [1, 3, 200, 6, 2]])


@pytest.fixture
def truncated_model(model: Path) -> TruncatedModel:
    return TruncatedModel(model, 2, torch.float32, "cpu")


def scores(truncated_model: TruncatedModel) -> torch.Tensor:
    with torch.inference_mode():
        return truncated_model.logits(truncated_model.hidden(TOKENS, use_cache=False))


def test_a_bare_truncated_model_is_the_model_without_its_later_layers(
    truncated_model: TruncatedModel, model: Path
) -> None:
    complete = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    complete.model.layers = complete.model.layers[:2]
    with torch.inference_mode():
        torch.testing.assert_close(scores(truncated_model), complete(TOKENS, use_cache=False).logits)


def test_a_new_lora_adapter_changes_nothing_and_a_trained_one_does(truncated_model: TruncatedModel) -> None:
    bare = scores(truncated_model)
    adapter = truncated_model.lora_adapter(4)
    truncated_model.activate(adapter)
    torch.testing.assert_close(scores(truncated_model), bare)
    for name, parameter in adapter.items():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter.data)
    assert (scores(truncated_model) - bare).abs().max() > 0.1


def test_assistants_are_activated_and_deactivated_without_a_trace(truncated_model: TruncatedModel) -> None:
    bare = scores(truncated_model)
    full_adapter, lora_adapter = truncated_model.full_adapter(), truncated_model.lora_adapter(4)
    for parameter in (*full_adapter.values(), *lora_adapter.values()):
        torch.nn.init.normal_(parameter.data, std=0.3)
    truncated_model.activate(full_adapter)
    first = scores(truncated_model)
    truncated_model.activate(lora_adapter)
    second = scores(truncated_model)
    truncated_model.activate(full_adapter)
    torch.testing.assert_close(scores(truncated_model), first)
    truncated_model.activate({})
    torch.testing.assert_close(scores(truncated_model), bare)
    assert (first - second).abs().max() > 0.1


def test_the_lora_adapter_reaches_every_linear_layer_but_the_head(truncated_model: TruncatedModel) -> None:
    linears = {name.rsplit(".", 1)[0] for name in truncated_model.lora_adapter(4)}
    assert len(linears) == 2 * 7
    assert not any("lm_head" in name for name in linears)


UP = "model.layers.1.mlp.up_proj"


@pytest.mark.parametrize(
    "tensors",
    [
        {"model.layers.7.mlp.up_proj.weight": (3,)},
        {"model.norm.weight": (3,)},
        {f"{UP}.down": (2, 64)},
        {f"{UP}.down": (2, 63), f"{UP}.up": (96, 2)},
        {f"{UP}.down": (2, 64), f"{UP}.up": (96, 3)},
    ],
)
def test_weights_of_another_shape_of_model_are_refused(
    truncated_model: TruncatedModel, tensors: dict[str, tuple[int, ...]]
) -> None:
    with pytest.raises(ModelUnavailable):
        truncated_model.load({name: torch.zeros(size) for name, size in tensors.items()})


def test_a_model_gives_no_more_layers_than_it_has(model: Path) -> None:
    assert depth(model) == 3
    with pytest.raises(ModelUnavailable):
        TruncatedModel(model, 4, torch.float32, "cpu")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        TruncatedModel(tmp_path, 1, torch.float32, "cpu")
