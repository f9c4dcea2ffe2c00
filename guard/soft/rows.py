"""The rows of a batch whose logits are biased, and an LRU cache of biases on the device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from cachetools import LRUCache

from guard.decoding.masking import close_rows
from guard.decoding.rows import RowTable
from guard.soft.bias import Bias

MAX_CACHED_BIASES = 256


class BiasRow(NamedTuple):
    """Token ids int64 [n] and the values added to their logits, float32 [n], on the device."""

    tokens: torch.Tensor
    values: torch.Tensor


class BiasCache:
    """The biases of a folder by digest; an LRU cache keeps MAX_CACHED_BIASES of them on the device."""

    def __init__(self, folder: Path, width: int, device: torch.device) -> None:
        self._folder = folder
        self._width = width
        self._device = device
        self._loaded: LRUCache[str, BiasRow] = LRUCache(MAX_CACHED_BIASES)

    def get(self, digests: Sequence[str]) -> BiasRow:
        """Return several biases joined for one row; raises PolicyUnavailable as Bias.load does."""
        rows = [self._get(digest) for digest in digests]
        return BiasRow(torch.cat([row.tokens for row in rows]), torch.cat([row.values for row in rows]))

    def _get(self, digest: str) -> BiasRow:
        row = self._loaded.get(digest)
        if row is None:
            tokens, values = Bias.load(self._folder, digest)
            # A vocabulary may have ids past the columns of the model's logits.
            known = tokens < self._width
            row = self._loaded[digest] = BiasRow(
                torch.from_numpy(tokens[known]).to(self._device), torch.from_numpy(values[known]).to(self._device)
            )
        return row


class BiasTable(RowTable[BiasRow]):
    """Biased and closed rows by their index; other rows cost nothing."""

    def apply(self, logits: torch.Tensor, eos: tuple[int, ...]) -> None:
        """Add the biases to logits float [rows, width], in place, and close the closed rows."""
        close_rows(logits, [index for index, row in self.rows.items() if row is None], eos)
        for index, row in self.rows.items():
            if row is not None:
                logits[index].index_add_(0, row.tokens, row.values.to(logits.dtype))
