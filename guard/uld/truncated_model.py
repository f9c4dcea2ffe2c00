"""The truncated model: the target model's first layers, with an assistant's adapter on top of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from guard.errors import ModelUnavailable


class LoRALinear(nn.Module):
    """A linear layer with its own parameter names, plus the LoRA product `up @ down` if there is one."""

    down: nn.Parameter | None
    up: nn.Parameter | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = linear.weight
        self.bias = linear.bias
        self.register_parameter("down", None)
        self.register_parameter("up", None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.linear(x, self.weight, self.bias)
        if self.down is None or self.up is None:
            return y
        return y + functional.linear(functional.linear(x, self.down), self.up)


class _ParameterSlot(NamedTuple):
    """Where a parameter of the model can be replaced, and its base value."""

    module: nn.Module
    name: str
    base: nn.Parameter | None


class TruncatedModel:
    """The first `layers` layers of a model with its embedding, norm and head, loaded once for all assistants.

    It computes what the active assistant computes, see `activate`. Not thread-safe. Raises ModelUnavailable when
    the model does not load or has fewer layers.
    """

    def __init__(self, folder: str | Path, layers: int, dtype: torch.dtype, device: torch.device | str) -> None:
        self._model = _first_layers(folder, layers, dtype).to(device).eval()
        self.config = self._model.config
        self.device = torch.device(device)
        self.dtype = dtype
        self._decoder: nn.Module = self._model.get_decoder()
        self._head: Any = self._model.get_output_embeddings()
        for block in self._blocks():
            _add_lora(block)
        self._model.requires_grad_(False)
        self._slots = dict(self._find_slots())
        self._active: Mapping[str, nn.Parameter] = {}

    @property
    def width(self) -> int:
        """The number of logits per token."""
        return int(self._head.weight.shape[0])

    def activate(self, adapter: Mapping[str, nn.Parameter]) -> None:
        """Use these parameters instead of the base model's, by name; raises KeyError for an unknown name."""
        if adapter is self._active:
            return
        slots = {name: self._slots[name] for name in adapter}
        for name in self._active.keys() - adapter.keys():
            old = self._slots[name]
            setattr(old.module, old.name, old.base)
        for name, slot in slots.items():
            setattr(slot.module, slot.name, adapter[name])
        self._active = adapter

    def hidden(self, tokens: torch.Tensor, **options: Any) -> torch.Tensor:
        """Return the final hidden states [rows, length, size] of `tokens`, int64 [rows, length]."""
        states: torch.Tensor = self._decoder(input_ids=tokens, **options).last_hidden_state
        return states

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Return float32 logits [..., width] of states [..., size]."""
        scores: torch.Tensor = self._head(states)
        return scores.float()

    def lora_adapter(self, rank: int) -> dict[str, nn.Parameter]:
        """Return a new trainable LoRA adapter of every linear layer (alpha = rank); without effect until trained.

        Initialised from torch's global generator.
        """
        adapter = {}
        for name, module in self._model.named_modules():
            if isinstance(module, LoRALinear):
                outputs, inputs = module.weight.shape
                down = torch.randn(rank, inputs, dtype=torch.float32) / inputs**0.5
                adapter[f"{name}.down"] = nn.Parameter(down)
                adapter[f"{name}.up"] = nn.Parameter(torch.zeros(outputs, rank))
        return adapter

    def full_adapter(self) -> dict[str, nn.Parameter]:
        """Return a trainable copy of every weight of the layers, for full fine-tuning."""
        return {
            name: nn.Parameter(slot.base.detach().float().clone())
            for name, slot in self._slots.items()
            if slot.base is not None
        }

    def to_device(self, adapter: Mapping[str, nn.Parameter]) -> dict[str, nn.Parameter]:
        """Return the adapter, trainable, on this model's device."""
        return {name: nn.Parameter(parameter.detach().to(self.device)) for name, parameter in adapter.items()}

    def load(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, nn.Parameter]:
        """Return an assistant's tensors as an adapter to activate; ModelUnavailable when one does not fit."""
        adapter = {}
        for name, tensor in tensors.items():
            slot = self._slots.get(name)
            if slot is None or (slot.base is not None and slot.base.shape != tensor.shape):
                raise ModelUnavailable("the assistant's weights do not fit the model")
            parameter = tensor.to(self.device, self.dtype)
            adapter[name] = nn.Parameter(parameter, requires_grad=False)
        for linear in {name.rpartition(".")[0] for name in tensors if name.endswith((".down", ".up"))}:
            self._check_pair(linear, tensors)
        return adapter

    def _check_pair(self, linear: str, tensors: Mapping[str, torch.Tensor]) -> None:
        base = self._slots[f"{linear}.weight"].base
        down, up = tensors.get(f"{linear}.down"), tensors.get(f"{linear}.up")
        if base is None or down is None or up is None or down.dim() != 2:
            raise ModelUnavailable("the assistant's weights do not fit the model")
        outputs, inputs = base.shape
        if down.shape[1] != inputs or up.shape != (outputs, down.shape[0]):
            raise ModelUnavailable("the assistant's weights do not fit the model")

    def _blocks(self) -> nn.ModuleList:
        found = [
            module
            for module in self._decoder.modules()
            if isinstance(module, nn.ModuleList) and len(module) == self.config.num_hidden_layers
        ]
        if not found:
            raise ModelUnavailable("the model's layers are not where they are expected")
        return found[0]

    def _find_slots(self) -> Iterator[tuple[str, _ParameterSlot]]:
        inside = {id(module) for block in self._blocks() for module in block.modules()}
        for path, module in self._model.named_modules():
            if id(module) in inside:
                for name, parameter in module._parameters.items():
                    if parameter is not None or (isinstance(module, LoRALinear) and name != "bias"):
                        yield f"{path}.{name}", _ParameterSlot(module, name, parameter)


def depth(folder: str | Path) -> int:
    """Return how many layers the model in `folder` has; raises ModelUnavailable."""
    return int(_config(folder).num_hidden_layers)


def context(folder: str | Path) -> int:
    """Return how many tokens the model in `folder` can read; raises ModelUnavailable."""
    return int(getattr(_config(folder), "max_position_embeddings", 0) or 4096)


def _config(folder: str | Path) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise ModelUnavailable(f"the model has no readable configuration: {type(error).__name__}") from error


def _first_layers(folder: str | Path, layers: int, dtype: torch.dtype) -> Any:
    from transformers import AutoModelForCausalLM

    config = _config(folder)
    if not 0 < layers <= config.num_hidden_layers:
        raise ModelUnavailable(f"an assistant has between 1 and {config.num_hidden_layers} layers of this model")
    config.num_hidden_layers = layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:layers]
    try:
        with _quiet():
            return AutoModelForCausalLM.from_pretrained(
                folder, config=config, dtype=dtype, attn_implementation="sdpa", local_files_only=True
            )
    except Exception as error:
        raise ModelUnavailable(f"the model does not load: {type(error).__name__}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from warning about the layers of the file that the network does not have."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _add_lora(block: nn.Module) -> None:
    for module in list(block.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear):
                setattr(module, name, LoRALinear(child))
