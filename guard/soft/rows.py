"""The rows of a batch whose logits are biased, and the biases put to them."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from guard.moves import move
from guard.soft.bias import Bias

_NEVER = float("-inf")
_LOADED = 256

_log = logging.getLogger(__name__)


class Row(NamedTuple):
    """Tokens int64 [n] and what is added to their logits, float32 [n], on the device."""

    tokens: torch.Tensor
    values: torch.Tensor


class Biases:
    """The biases of a folder by digest, the last 256 asked for kept on the device."""

    def __init__(self, folder: Path, width: int, device: torch.device) -> None:
        self._folder = folder
        self._width = width
        self._device = device
        self._loaded: OrderedDict[str, Row] = OrderedDict()

    def get(self, digests: Sequence[str]) -> Row:
        """Return several biases as one row's; raises PolicyUnavailable as Bias.load does."""
        rows = [self._get(digest) for digest in digests]
        return Row(torch.cat([row.tokens for row in rows]), torch.cat([row.values for row in rows]))

    def _get(self, digest: str) -> Row:
        row = self._loaded.get(digest)
        if row is None:
            tokens, values = Bias.load(self._folder, digest)
            # A vocabulary may have ids that the model has no column for.
            known = tokens < self._width
            row = Row(
                torch.from_numpy(tokens[known]).to(self._device), torch.from_numpy(values[known]).to(self._device)
            )
            self._loaded[digest] = row
            if len(self._loaded) > _LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(digest)
        return row


class Rows:
    """Biased and closed rows by their index; a row that is not here costs nothing."""

    def __init__(self, eos: tuple[int, ...]) -> None:
        self._eos = list(eos)
        self._rows: dict[int, Row | None] = {}

    def __len__(self) -> int:
        """Return the number of rows that are biased or closed."""
        return len(self._rows)

    def put(self, index: int, row: Row) -> None:
        """Bias a row from now on."""
        self._rows[index] = row

    def close(self, index: int, error: Exception) -> None:
        """Let a row do nothing but end."""
        self._rows[index] = None
        _log.error("closed a row: %s", type(error).__name__)

    def drop(self, index: int) -> None:
        """Make a row free."""
        self._rows.pop(index, None)

    def move(self, source: int, target: int, *, swap: bool) -> None:
        """Move a row onto another index; what stood there is dropped, or changes places with it."""
        move(self._rows, source, target, swap=swap)

    def apply(self, logits: torch.Tensor) -> None:
        """Put the biases to logits float [rows, width], in place; what may only end keeps its end."""
        for index, row in self._rows.items():
            if row is None:
                logits[index] = _NEVER
                logits[index, self._eos] = 0.0
            else:
                logits[index].index_add_(0, row.tokens, row.values.to(logits.dtype))
