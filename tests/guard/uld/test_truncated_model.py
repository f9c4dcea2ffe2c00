from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from guard.errors import ModelUnavailable
from guard.uld.truncated_model import Trunk, depth

TOKENS = torch.tensor([[1, 5, 9, 40, 77], [1, 3, 200, 6, 2]])


@pytest.fixture
def trunk(model: Path) -> Trunk:
    return Trunk(model, 2, torch.float32, "cpu")


def scores(trunk: Trunk) -> torch.Tensor:
    with torch.inference_mode():
        return trunk.logits(trunk.hidden(TOKENS, use_cache=False))


def test_a_bare_trunk_is_the_model_without_its_later_layers(trunk: Trunk, model: Path) -> None:
    whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    whole.model.layers = whole.model.layers[:2]
    with torch.inference_mode():
        torch.testing.assert_close(scores(trunk), whole(TOKENS, use_cache=False).logits)


def test_a_new_low_rank_change_changes_nothing_and_a_trained_one_does(trunk: Trunk) -> None:
    bare = scores(trunk)
    changes = trunk.low_rank(4)
    trunk.wear(changes)
    torch.testing.assert_close(scores(trunk), bare)
    for name, parameter in changes.items():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter.data)
    assert (scores(trunk) - bare).abs().max() > 0.1


def test_assistants_are_put_on_and_off_without_a_trace(trunk: Trunk) -> None:
    bare = scores(trunk)
    whole, low_rank = trunk.whole(), trunk.low_rank(4)
    for parameter in (*whole.values(), *low_rank.values()):
        torch.nn.init.normal_(parameter.data, std=0.3)
    trunk.wear(whole)
    first = scores(trunk)
    trunk.wear(low_rank)
    second = scores(trunk)
    trunk.wear(whole)
    torch.testing.assert_close(scores(trunk), first)
    trunk.wear({})
    torch.testing.assert_close(scores(trunk), bare)
    assert (first - second).abs().max() > 0.1


def test_the_low_rank_change_reaches_every_linear_layer_but_the_head(trunk: Trunk) -> None:
    linears = {name.rsplit(".", 1)[0] for name in trunk.low_rank(4)}
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
def test_weights_of_another_shape_of_model_are_refused(trunk: Trunk, tensors: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ModelUnavailable):
        trunk.load({name: torch.zeros(size) for name, size in tensors.items()})


def test_a_model_gives_no_more_layers_than_it_has(model: Path) -> None:
    assert depth(model) == 3
    with pytest.raises(ModelUnavailable):
        Trunk(model, 4, torch.float32, "cpu")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable):
        Trunk(tmp_path, 1, torch.float32, "cpu")
