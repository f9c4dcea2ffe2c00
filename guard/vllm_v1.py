"""Restricted decoding inside a vLLM worker, by the V1 runner's logits processor interface.

Load it by vLLM's flag, `--logits-processors guard.vllm_v1:RestrictionProcessor`: a processor that is only an entry
point is not told the output tokens under asynchronous scheduling, and is left out under speculative decoding.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from guard.batch import Batch
from guard.errors import PolicyUnavailable
from guard.masking import close_all, mask
from guard.restriction import Restrictions
from guard.standing import Standing
from guard.terms import Terms
from guard.vocabulary import Vocabulary

POLICY_FOLDER = "LETHE_POLICY_DIR"

_log = logging.getLogger(__name__)


class RestrictionProcessor(LogitsProcessor):  # type: ignore[misc]
    """Forbids in each row what the automata named in its request forbid; never raises once constructed.

    A request says what holds for it in `extra_args`, see guard.terms. A row is closed, so that it may only
    end, when it says nothing, names an automaton that cannot be attached, or anything goes wrong with it.
    """

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request without well-formed terms; vLLM answers it with 400."""
        Terms.read(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Read the tokenizer, and from LETHE_POLICY_DIR which folder automata are attached from.

        Raises PolicyUnavailable without that variable, and ModelUnavailable for a tokenizer that cannot be
        restricted: the engine then does not start.
        """
        folder = os.environ.get(POLICY_FOLDER)
        if not folder:
            raise PolicyUnavailable(f"{POLICY_FOLDER} is not set")
        vocabulary = Vocabulary.from_tokenizer(cached_tokenizer_from_config(vllm_config.model_config))
        self._eos = vocabulary.eos
        self._restrictions = Restrictions(Path(folder), vocabulary)
        self._standing = Standing(Path(folder))
        self._due: tuple[str, ...] | None = None
        self._batch = Batch(vocabulary)
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
                self._batch.drop(index)
            for index, params, prompt, output in batch_update.added:
                self._add(index, params, prompt, output)
            for source, target, direction in batch_update.moved:
                self._batch.move(source, target, swap=direction is MoveDirectionality.SWAP)
        except Exception as error:
            self._lost = True
            _log.error("closed all rows: %s", type(error).__name__)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Forbid, in place, what must not come next in each row of logits [rows, width]."""
        if self._lost:
            close_all(logits, self._eos)
            return logits
        try:
            self._hear()
            mask(logits, self._batch, self._eos)
        except Exception as error:
            _log.error("closed all rows for a step: %s", type(error).__name__)
            close_all(logits, self._eos)
        return logits

    def _hear(self) -> None:
        digests = self._standing.news()
        if digests is not None:
            self._due = digests
        if self._due is not None:
            self._batch.stand([self._restrictions.get(digest) for digest in self._due])
            self._due = None

    def _add(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        # An index may be used again without having been removed.
        self._batch.drop(index)
        try:
            terms = Terms.read(params.extra_args)
            restrictions = [self._restrictions.get(digest) for digest in terms.digests]
            if restrictions and prompt is None:
                raise ValueError("a prompt of embeddings cannot be read")
        except Exception as error:
            self._batch.close(index, error)
            return
        if terms.closed:
            self._batch.close(index)
        else:
            self._batch.put(index, restrictions, prompt or [], output, terms.rewind)
