from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from eval.reference_models.lora import (
    SCALE,
    LoraLinear,
    add_adapters,
    load_adapters,
    merge_adapters,
    save_adapters,
)
from guard.errors import ModelUnavailable

IDS = torch.tensor([[3, 1, 4, 1, 5]])


def tiny(dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(config).to(dtype).eval()


def adapted(rank: int = 2) -> Any:
    """Return the tiny model with adapters that change what it says, as training would."""
    model = tiny()
    add_adapters(model, rank)
    for layer in model.modules():
        if isinstance(layer, LoraLinear):
            torch.nn.init.normal_(layer.b, std=0.5)
    return model


@torch.inference_mode()
def logits(model: Any) -> torch.Tensor:
    return model(input_ids=IDS).logits


def test_all_projections_of_attention_and_mlp_are_adapted_and_nothing_else_is_trained() -> None:
    model = tiny()
    add_adapters(model, 2)
    layers = [name.rsplit(".", 1)[1] for name, layer in model.named_modules() if isinstance(layer, LoraLinear)]
    assert layers == 2 * ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    trained = {name.rsplit(".", 1)[1] for name, each in model.named_parameters() if each.requires_grad}
    assert trained == {"a", "b"}


def test_new_adapters_change_nothing() -> None:
    model = tiny()
    add_adapters(model, 2)
    assert torch.equal(logits(model), logits(tiny()))


def test_merged_weights_answer_as_the_adapters_did() -> None:
    model = adapted()
    before = logits(model)
    assert not torch.allclose(before, logits(tiny()))
    merge_adapters(model)
    assert not any(isinstance(layer, LoraLinear) for layer in model.modules())
    assert model.state_dict().keys() == tiny().state_dict().keys()
    torch.testing.assert_close(logits(model), before, atol=1e-4, rtol=1e-4)


def test_adapters_are_read_as_they_were_written_in_the_format_of_peft(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model = adapted(rank=3)
    save_adapters(model, tmp_path, "a-model")
    again = tiny()
    add_adapters(again, 3)
    load_adapters(again, tmp_path)
    torch.testing.assert_close(logits(again), logits(model), atol=0.1, rtol=0.1)  # bfloat16

    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (3, 3 * SCALE, "a-model")
    assert isinstance(config["lora_alpha"], int)  # vLLM takes no other number
    assert "gate_proj" in config["target_modules"]
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    assert tensors["base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"].shape == (3, 16)
    assert tensors["base_model.model.model.layers.1.self_attn.k_proj.lora_B.weight"].shape == (8, 3)


def test_adapters_of_another_model_are_refused(tmp_path: Path) -> None:
    save_adapters(adapted(rank=2), tmp_path, "a-model")
    other = tiny()
    add_adapters(other, 4)
    with pytest.raises(ModelUnavailable, match="not adapters of this model"):
        load_adapters(other, tmp_path)
