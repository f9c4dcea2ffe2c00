"""A slotted KV cache: keys and values of many sequences of different lengths, in one tensor per layer."""

from __future__ import annotations

import logging
from typing import Any

import torch
from transformers.cache_utils import Cache

_MIN_TOKENS = 64
# A slot has room for this part of its text more.
_ROOM = 4
_log = logging.getLogger(__name__)


class SlotCache(Cache):  # type: ignore[misc]
    """A transformers cache whose rows are slots of one length, one per sequence, in at most `budget_bytes`.

    `resize` says how long the texts of the next pass are, and `set_positions` where it writes; the pass then
    attends up to the last of those positions.
    """

    def __init__(
        self, config: Any, budget_bytes: int, max_tokens: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        # The base class would create its own layers.
        self.layers: list[Any] = []
        self._tokens = budget_bytes // self.bytes_per_token(config, dtype)
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

    @property
    def length(self) -> int:
        """The tokens that a slot holds."""
        return int(self._keys[0].shape[2])

    @property
    def slots(self) -> int:
        """The slots of this length that the budget allows."""
        return self._tokens // max(self.length, 1)

    def resize(self, rows: int, reach: int) -> bool:
        """Make slots hold `reach` tokens, and no more than that needs where `rows` slots would not fit.

        Return whether their length changed: only the first `slots` remain then, up to their new length.
        """
        if reach > self._max_tokens:
            raise ValueError("the cache has no such position")
        longer = min(self._max_tokens, max(_MIN_TOKENS, reach + reach // _ROOM))
        if reach <= self.length and (rows <= self.slots or self._tokens // longer <= self.slots):
            return False
        self._reshape(min(len(self._keys[0]), self._tokens // longer), longer)
        return True

    def set_positions(self, slots: list[int], positions: torch.Tensor, reach: int) -> None:
        """Make the next pass write row r of its batch to slots[r] at positions[r], int64 [rows, length].

        `reach` is one more than the last position of all rows, and no more than a slot holds.
        """
        have, needed = len(self._keys[0]), max(slots) + 1
        if needed > have:
            self._reshape(min(self.slots, max(needed, 2 * have)), self.length)
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

    def _reshape(self, slots: int, length: int) -> None:
        for tensors in (self._keys, self._values):
            for layer, old in enumerate(tensors):
                new = old.new_zeros(slots, old.shape[1], length, old.shape[3])
                kept = old[:slots, :, :length]
                new[: kept.shape[0], :, : kept.shape[2]] = kept
                tensors[layer] = new
        _log.info("assistants' cache: %d slots of %d tokens, %.1f MiB", slots, length, self.bytes / 2**20)


def _heads(config: Any) -> int:
    return int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)


def _size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
