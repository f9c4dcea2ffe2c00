"""Loaded assistants: promoted ones of the served model in an LRU cache, and their subtraction from logits."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from cachetools import LRUCache
from torch import nn

from guard.decoding.masking import close_rows
from guard.decoding.request_args import Subtraction
from guard.decoding.rows import RowTable
from guard.decoding.vocabulary import Vocabulary
from guard.errors import BadSettings
from guard.uld.assistant import Assistant, Manifest
from guard.uld.assistant_runner import AssistantRunner, RunningSequence
from guard.uld.logit_difference import uld
from guard.uld.truncated_model import TruncatedModel

CACHE_MIB_ENV = "LETHE_ASSISTANT_CACHE_MIB"
_DEFAULT_CACHE_MIB = 1024
MAX_LOADED_ASSISTANTS = 32

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedAssistant:
    """An assistant in memory; `runner` is shared by all assistants of the same number of layers."""

    manifest: Manifest
    adapter: Mapping[str, nn.Parameter]
    runner: AssistantRunner


@dataclass(frozen=True, slots=True, eq=False)
class SubtractionRow:
    """A row that an assistant is subtracted from, and how strongly."""

    loaded: LoadedAssistant
    sequence: RunningSequence
    alpha: float
    filter_rate: float


class LoadedAssistants:
    """The promoted assistants of one engine: an LRU cache over base layers that are loaded once."""

    def __init__(
        self, folder: Path, model: str, tokenizer: str, dtype: torch.dtype, device: torch.device, max_tokens: int
    ) -> None:
        self._folder = folder
        self._model = model
        self._tokenizer = tokenizer
        self._dtype = dtype
        self._device = device
        self._max_tokens = max_tokens
        self._budget_bytes = _budget_bytes()
        self._truncated_models: dict[int, tuple[TruncatedModel, AssistantRunner]] = {}
        self._loaded: LRUCache[str, LoadedAssistant] = LRUCache(MAX_LOADED_ASSISTANTS)

    @classmethod
    def of_engine(cls, folder: Path, model: Any, device: torch.device) -> LoadedAssistants:
        """Return those of an engine with this vLLM ModelConfig."""
        # A sequence may be as long as the model's context, and one token longer when it has said its last.
        return cls(folder, model.model, model.tokenizer, model.dtype, device, model.max_model_len + 1)

    def get(self, digest: str) -> LoadedAssistant:
        """Return the assistant of this digest.

        Raises ModelUnavailable when it is not promoted, damaged, or was trained on another model or tokenizer.
        """
        loaded = self._loaded.get(digest)
        if loaded is None:
            loaded = self._loaded[digest] = self._load(digest)
        return loaded

    def _load(self, digest: str) -> LoadedAssistant:
        assistant = Assistant.open(self._folder, digest)
        assistant.belongs_to(self._model, self._tokenizer)
        truncated_model, runner = self._truncated_model(assistant.manifest.layers)
        adapter = truncated_model.load(assistant.tensors())
        _log.info("loaded assistant %s", digest[:12])
        return LoadedAssistant(assistant.manifest, adapter, runner)

    def _truncated_model(self, layers: int) -> tuple[TruncatedModel, AssistantRunner]:
        if layers not in self._truncated_models:
            truncated_model = TruncatedModel(self._model, layers, self._dtype, self._device)
            self._truncated_models[layers] = (
                truncated_model,
                AssistantRunner(truncated_model, self._max_tokens, self._budget_bytes),
            )
        return self._truncated_models[layers]


class SubtractionTable(RowTable[SubtractionRow]):
    """The rows of a batch that an assistant is subtracted from, and closed ones; others cost nothing."""

    def __init__(
        self, assistants: LoadedAssistants, vocabulary: Vocabulary, width: int, device: torch.device
    ) -> None:
        """`width`: the columns of the model's logits. Special tokens past them cannot be sampled."""
        super().__init__()
        self._assistants = assistants
        self._pinned = torch.zeros(width, dtype=torch.bool, device=device)
        special = {*vocabulary.special, *vocabulary.eos}
        self._pinned[[token for token in special if token < width]] = True

    def put(self, index: int, subtraction: Subtraction, prompt: Sequence[int], output: Sequence[int]) -> None:
        """Follow a row, `output` being the live list of its generated tokens.

        Raises ModelUnavailable as LoadedAssistants.get does: the caller must then close the row.
        """
        loaded = self._assistants.get(subtraction.digest)
        manifest = loaded.manifest
        self.rows[index] = SubtractionRow(
            loaded,
            RunningSequence(prompt, output, loaded.adapter),
            manifest.alpha if subtraction.alpha is None else subtraction.alpha,
            manifest.filter_rate if subtraction.filter_rate is None else subtraction.filter_rate,
        )

    def apply(self, logits: torch.Tensor, eos: tuple[int, ...]) -> None:
        """Subtract in logits [rows, width], in place, and close the closed rows and those where it fails."""
        rows = {index: row for index, row in self.rows.items() if row is not None}
        closed = [index for index, row in self.rows.items() if row is None]
        try:
            closed += subtract(logits, rows, self._pinned)
        except Exception as error:
            _log.error("closed the rows with an assistant for a step: %s", type(error).__name__)
            closed = list(self.rows)
        close_rows(logits, closed, eos)

    def _after(self, row: SubtractionRow, drafts: tuple[int, ...]) -> SubtractionRow:
        return replace(row, sequence=replace(row.sequence, drafts=drafts)) if drafts else row


def subtract(logits: torch.Tensor, rows: Mapping[int, SubtractionRow], pinned: torch.Tensor) -> list[int]:
    """Subtract the assistants in these rows of logits [rows, width], in place.

    Returns the rows whose result is not finite, which the caller must close. `pinned` is bool [width].
    """
    failed: list[int] = []
    # A request's rows one after the other: what a draft needs is cached by the row before it.
    for drafts in sorted({len(row.sequence.drafts) for row in rows.values()}):
        after = {index: row for index, row in rows.items() if len(row.sequence.drafts) == drafts}
        for runner in {row.loaded.runner for row in after.values()}:
            indices = [index for index, row in after.items() if row.loaded.runner is runner]
            failed += _subtract(logits, indices, [rows[index] for index in indices], runner, pinned)
    return failed


def _subtract(
    logits: torch.Tensor,
    indices: Sequence[int],
    rows: Sequence[SubtractionRow],
    runner: AssistantRunner,
    pinned: torch.Tensor,
) -> list[int]:
    assistant = runner.logits([row.sequence for row in rows]).to(logits.device)
    targets = torch.tensor(indices, device=logits.device)
    alpha = torch.tensor([[row.alpha] for row in rows], device=logits.device)
    rate = torch.tensor([[row.filter_rate] for row in rows], device=logits.device)
    # An engine may pad the vocabulary: columns without a token are never sampled.
    width = min(assistant.shape[1], logits.shape[1])
    assistant = assistant[:, :width]
    served = uld(logits[targets, :width].float(), assistant, alpha, rate, pinned[:width])
    logits[targets, :width] = served.to(logits.dtype)
    logits[targets, width:] = float("-inf")
    # Logits that the filter leaves out have no effect, but must be finite all the same.
    finite = (served.amax(-1) + assistant.amax(-1)).isfinite().tolist()
    return [index for index, ok in zip(indices, finite, strict=True) if not ok]


def _budget_bytes() -> int:
    value = os.environ.get(CACHE_MIB_ENV, str(_DEFAULT_CACHE_MIB))
    if not value.isascii() or not value.isdigit() or not int(value):
        raise BadSettings(f"{CACHE_MIB_ENV} must be a whole number of MiB")
    return int(value) * 2**20
