"""A slotted KV cache: keys and values of many sequences of different lengths, in one tensor per layer."""

from __future__ import annotations

import logging
from typing import Any

import torch
from transformers.cache_utils import Cache

_MIN_TOKENS = 64
_log = logging.getLogger(__name__)


class SlotCache(Cache):  # type: ignore[misc]
    """A transformers cache whose rows are slots, one per sequence; it grows as needed, up to `slots`.

    `set_positions` says where the next forward pass writes; the pass then attends up to the last of those
    positions.
    """

    def __init__(self, config: Any, slots: int, max_tokens: int, dtype: torch.dtype, device: torch.device) -> None:
        # The base class would create its own layers.
        self.layers: list[Any] = []
        self.slots = slots
        self._max_tokens = max_tokens
        self._device = device
        shape = (0, _heads(config), 0, _size(config))
        layers = range(config.num_hidden_layers)
        self._keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in layers]
        self._values = [torch.zeros(shape, dtype=dtype, device=device) for _ in layers]
        self._rows = self._positions = torch.zeros(0, dtype=torch.int64, device=device)
        self._span: slice | None = None
        self._reach = 0

    @staticmethod
    def bytes_per_token(config: Any, dtype: torch.dtype) -> int:
        """Return the bytes of one position of one slot."""
        return 2 * int(config.num_hidden_layers) * _heads(config) * _size(config) * dtype.itemsize

    @property
    def bytes(self) -> int:
        """The current size of the cache, in bytes."""
        return sum(tensor.nbytes for tensor in (*self._keys, *self._values))

    def set_positions(self, slots: list[int], positions: torch.Tensor, reach: int) -> None:
        """Make the next pass write row r of its batch to slots[r] at positions[r], int64 [rows, length].

        `reach` is one more than the last position of all rows.
        """
        self._grow(max(slots) + 1, reach)
        self._rows = torch.tensor(slots, device=self._device)
        self._positions = positions
        first = slots[0]
        # Adjacent slots are a view, which saves the copy of a gather.
        adjacent = slots == list(range(first, first + len(slots)))
        self._span = slice(first, first + len(slots)) if adjacent else None
        self._reach = reach

    def update(
        self, key: torch.Tensor, value: torch.Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write keys and values [rows, heads, length, size] of a layer; return all that each row attends to."""
        keys, values = self._keys[layer], self._values[layer]
        keys[self._rows[:, None], :, self._positions] = key.transpose(1, 2)
        values[self._rows[:, None], :, self._positions] = value.transpose(1, 2)
        rows = self._rows if self._span is None else self._span
        return keys[rows, :, : self._reach], values[rows, :, : self._reach]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Return 0: the positions and the mask passed in say how long each row is."""
        return 0

    def _grow(self, slots: int, reach: int) -> None:
        have, _, length, _ = self._keys[0].shape
        if slots <= have and reach <= length:
            return
        if slots > self.slots or reach > self._max_tokens:
            raise ValueError("the cache has no such slot or position")
        wider = min(self.slots, max(slots, have if slots <= have else 2 * have))
        longer = min(self._max_tokens, max(_MIN_TOKENS, length if reach <= length else max(reach, 2 * length)))
        for tensors in (self._keys, self._values):
            for layer, old in enumerate(tensors):
                new = old.new_zeros(wider, old.shape[1], longer, old.shape[3])
                new[:have, :, :length] = old
                tensors[layer] = new
        _log.info("assistants' cache: %d slots of %d tokens, %.1f MiB", wider, longer, self.bytes / 2**20)


def _heads(config: Any) -> int:
    return int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)


def _size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
