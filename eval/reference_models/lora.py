"""LoRA: low-rank adapters on all linear layers of a model's attention and MLP (Hu et al., 2021).

Adapters are written in the format of the library PEFT, which vLLM and others load too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn.functional import linear

from guard.errors import ModelUnavailable

SCALE: Final = 2.0
"""How much an adapter's output counts: LoRA's alpha divided by the rank."""
WEIGHTS_FILE: Final = "adapter_model.safetensors"
CONFIG_FILE: Final = "adapter_config.json"
_PREFIX: Final = "base_model.model."


class LoraLinear(nn.Module):
    """A linear layer whose weights are frozen, plus `SCALE * b @ a`, which is trained and at first zero."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.a = nn.Parameter(torch.empty(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the layer's output, [..., in] to [..., out]."""
        # Scaled where it is narrow.
        return self.base(hidden) + linear(SCALE * linear(hidden, self.a), self.b)  # type: ignore[no-any-return]

    def merged(self) -> nn.Linear:
        """Return the linear layer with the adapter added to its weights, in their dtype."""
        weight = self.base.weight.data
        self.base.weight.data = (weight.float() + SCALE * (self.b @ self.a).detach()).to(weight.dtype)
        return self.base


def add_adapters(model: Any, rank: int) -> None:
    """Freeze `model` and put adapters on the linear layers of its blocks; torch's seed determines them."""
    model.requires_grad_(False)
    for parent, name, layer in list(_layers(model, nn.Linear)):
        setattr(parent, name, LoraLinear(layer, rank))


def merge_adapters(model: Any) -> None:
    """Add the adapters of `model` to its weights, and remove them."""
    for parent, name, layer in list(_layers(model, LoraLinear)):
        setattr(parent, name, layer.merged())


def save_adapters(model: Any, folder: Path, base: str) -> None:
    """Write the adapters of `model` into `folder`, in bfloat16; `base` is the name of the model without them."""
    adapters = dict(_adapters(model))
    tensors = {name: tensor.detach().to("cpu", torch.bfloat16).contiguous() for name, tensor in adapters.items()}
    # Not safetensors' save_file: its files are for their owner alone.
    (folder / WEIGHTS_FILE).write_bytes(save(tensors, metadata={"format": "pt"}))
    rank = min(tensor.shape[0] for name, tensor in tensors.items() if ".lora_A." in name)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": int(SCALE * rank),
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted({name.split(".")[-3] for name in tensors}),
        "inference_mode": True,
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_adapters(model: Any, folder: Path) -> None:
    """Read the adapters of `model` from `folder`. Raises ModelUnavailable if they are not for such a model."""
    adapters = dict(_adapters(model))
    try:
        tensors = load_file(folder / WEIGHTS_FILE)
        for name in adapters.keys() | tensors.keys():
            adapters[name].data.copy_(tensors[name])
    except Exception as error:
        raise ModelUnavailable(f"{folder.name}: not adapters of this model ({type(error).__name__})") from None


def _layers(model: Any, kind: type[nn.Module]) -> Iterator[tuple[nn.Module, str, Any]]:
    """Yield the layers of a kind in the model's blocks, each with the module that holds it and its name there."""
    for parent in model.base_model.modules():
        if not isinstance(parent, LoraLinear):
            yield from (
                (parent, name, layer) for name, layer in parent.named_children() if isinstance(layer, kind)
            )


def _adapters(model: Any) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the matrices of all adapters under PEFT's names."""
    for name, layer in model.named_modules():
        if isinstance(layer, LoraLinear):
            yield f"{_PREFIX}{name}.lora_A.weight", layer.a
            yield f"{_PREFIX}{name}.lora_B.weight", layer.b
