"""Promoted assistants of the served model, loaded when first asked for, and what they make of a step's logits."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from cachetools import LRUCache
from torch import nn

from guard.errors import BadSettings
from guard.uld.assistant import Assistant, Manifest
from guard.uld.assistant_runner import Follower, Text
from guard.uld.logit_difference import subtracted
from guard.uld.truncated_model import Trunk

CACHE = "LETHE_ASSISTANT_CACHE_MIB"
_CACHE_MIB = 1024
_LOADED = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """An assistant in memory; `follower` is shared by all of the same number of layers."""

    manifest: Manifest
    changes: Mapping[str, nn.Parameter]
    follower: Follower


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row whose assistant's knowledge is subtracted."""

    loaded: Loaded
    text: Text
    alpha: float
    filter_rate: float


class Served:
    """The promoted assistants of one engine. Base layers are loaded once; the last 32 assistants stay loaded."""

    def __init__(
        self, folder: Path, model: str, tokenizer: str, dtype: torch.dtype, device: torch.device, longest: int
    ) -> None:
        self._folder = folder
        self._model = model
        self._tokenizer = tokenizer
        self._dtype = dtype
        self._device = device
        self._longest = longest
        self._budget = _budget()
        self._trunks: dict[int, tuple[Trunk, Follower]] = {}
        self._loaded: LRUCache[str, Loaded] = LRUCache(_LOADED)

    def get(self, digest: str) -> Loaded:
        """Return the assistant of this digest.

        Raises ModelUnavailable when it is not promoted, damaged, or was trained on another model or tokenizer.
        """
        loaded = self._loaded.get(digest)
        if loaded is None:
            loaded = self._loaded[digest] = self._load(digest)
        return loaded

    def _load(self, digest: str) -> Loaded:
        assistant = Assistant.open(self._folder, digest)
        assistant.belongs_to(self._model, self._tokenizer)
        trunk, follower = self._trunk(assistant.manifest.layers)
        changes = trunk.load(assistant.tensors())
        _log.info("loaded assistant %s", digest[:12])
        return Loaded(assistant.manifest, changes, follower)

    def _trunk(self, layers: int) -> tuple[Trunk, Follower]:
        if layers not in self._trunks:
            trunk = Trunk(self._model, layers, self._dtype, self._device)
            self._trunks[layers] = trunk, Follower(trunk, self._longest, self._budget)
        return self._trunks[layers]


def subtract(logits: torch.Tensor, rows: Mapping[int, Row], pinned: torch.Tensor) -> list[int]:
    """Put into logits [rows, width], in place, what is served in these rows.

    Returns the rows for which there is no answer, which the caller must close. `pinned` is bool [width].
    """
    failed: list[int] = []
    for follower in {row.loaded.follower for row in rows.values()}:
        indices = [index for index, row in rows.items() if row.loaded.follower is follower]
        failed += _subtract(logits, indices, [rows[index] for index in indices], follower, pinned)
    return failed


def _subtract(
    logits: torch.Tensor, indices: Sequence[int], rows: Sequence[Row], follower: Follower, pinned: torch.Tensor
) -> list[int]:
    known = follower.logits([row.text for row in rows]).to(logits.device)
    where = torch.tensor(indices, device=logits.device)
    alpha = torch.tensor([[row.alpha] for row in rows], device=logits.device)
    rate = torch.tensor([[row.filter_rate] for row in rows], device=logits.device)
    # An engine may pad the vocabulary: columns that no token has are never sampled.
    width = min(known.shape[1], logits.shape[1])
    known = known[:, :width]
    served = subtracted(logits[where, :width].float(), known, alpha, rate, pinned[:width])
    logits[where, :width] = served.to(logits.dtype)
    logits[where, width:] = float("-inf")
    # What the filter leaves out is not read, and must be sound all the same.
    sound = (served.amax(-1) + known.amax(-1)).isfinite().tolist()
    return [index for index, well in zip(indices, sound, strict=True) if not well]


def _budget() -> int:
    value = os.environ.get(CACHE, str(_CACHE_MIB))
    if not value.isascii() or not value.isdigit() or not int(value):
        raise BadSettings(f"{CACHE} must be a whole number of MiB")
    return int(value) * 2**20
