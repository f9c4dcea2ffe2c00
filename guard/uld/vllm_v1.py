"""Logit difference inside a vLLM worker, by the V1 runner's logits processor interface.

Load it by vLLM's flag, `--logits-processors guard.uld.vllm_v1:DifferenceProcessor`, as guard.vllm_v1 says.
"""

from __future__ import annotations

import logging

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from guard.masking import close_all
from guard.moves import move
from guard.uld.follower import Text
from guard.uld.served import Row, Served, close, promoted_folder, subtract
from guard.uld.terms import Subtraction
from guard.vocabulary import Vocabulary

_log = logging.getLogger(__name__)


class DifferenceProcessor(LogitsProcessor):  # type: ignore[misc]
    """Subtracts in each row the assistant named in its request; never raises once constructed.

    A request names it in `extra_args`, see guard.uld.terms; a row without one costs nothing. A row is closed, so
    that it may only end, when its assistant is missing, damaged or of another model, or anything goes wrong.
    """

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request with malformed arguments; vLLM answers it with 400."""
        Subtraction.read(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Read the tokenizer, and from LETHE_ASSISTANT_DIR which folder promoted assistants are loaded from.

        Raises PolicyUnavailable without that variable, and ModelUnavailable or BadSettings as guard.uld.served
        does: the engine then does not start.
        """
        model = vllm_config.model_config
        vocabulary = Vocabulary.from_tokenizer(cached_tokenizer_from_config(model))
        self._eos = vocabulary.eos
        # Special tokens past what the model has columns for cannot be sampled.
        size = model.get_vocab_size()
        self._pinned = torch.zeros(size, dtype=torch.bool, device=device)
        self._pinned[[token for token in {*vocabulary.special, *vocabulary.eos} if token < size]] = True
        self._served = Served(
            promoted_folder(), model.model, model.tokenizer, model.dtype, device, model.max_model_len + 1
        )
        self._rows: dict[int, Row | None] = {}
        self._lost = False

    def is_argmax_invariant(self) -> bool:
        """Say that greedy sampling must not skip this processor."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow the batch; an update that cannot be followed closes every row from then on."""
        if batch_update is None or self._lost:
            return
        try:
            for index in batch_update.removed:
                self._rows.pop(index, None)
            for index, params, prompt, output in batch_update.added:
                self._add(index, params, prompt, output)
            for source, target, direction in batch_update.moved:
                self._move(source, target, swap=direction is MoveDirectionality.SWAP)
        except Exception as error:
            self._lost = True
            _log.error("closed all rows: %s", type(error).__name__)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Put, in place, what is served into the rows of logits [rows, width] that have an assistant."""
        if self._lost:
            close_all(logits, self._eos)
        elif self._rows:
            close(logits, self._subtract(logits), self._eos)
        return logits

    def _subtract(self, logits: torch.Tensor) -> list[int]:
        closed = [index for index, row in self._rows.items() if row is None]
        rows = {index: row for index, row in self._rows.items() if row is not None}
        try:
            return closed + subtract(logits, rows, self._pinned)
        except Exception as error:
            _log.error("closed the rows with an assistant for a step: %s", type(error).__name__)
            return list(self._rows)

    def _add(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        # An index may be used again without having been removed.
        self._rows.pop(index, None)
        try:
            asked = Subtraction.read(params.extra_args)
            if asked is None:
                return
            if not prompt:
                raise ValueError("a prompt of embeddings cannot be read")
            loaded = self._served.get(asked.digest)
        except Exception as error:
            _log.error("closed a row: %s", type(error).__name__)
            self._rows[index] = None
            return
        manifest = loaded.manifest
        self._rows[index] = Row(
            loaded,
            Text(prompt, output, loaded.changes),
            manifest.alpha if asked.alpha is None else asked.alpha,
            manifest.filter_rate if asked.filter_rate is None else asked.filter_rate,
        )

    def _move(self, source: int, target: int, *, swap: bool) -> None:
        move(self._rows, source, target, swap=swap)
