"""Logit difference by the V2 runner's logits processor interface; not proven on a GPU, and refused until it is.

Written against vllm.v1.worker.gpu.sample.logits_processor as vLLM 0.32 documents it. Where vLLM would choose that
runner, `VLLM_USE_V2_MODEL_RUNNER=0` chooses the one that guard.uld.vllm_v1 is for.
"""

from __future__ import annotations

import logging
from typing import ClassVar

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.tokenizers import cached_tokenizer_from_config
from vllm.v1.worker.gpu.sample.logits_processor.interface import (
    LogitsContext,
    LogitsProcessor,
    LogitsProcRequestState,
)

from guard.errors import EngineUnavailable
from guard.uld.follower import Text
from guard.uld.served import Loaded, Row, Served, close, promoted_folder, subtract
from guard.uld.terms import Subtraction
from guard.vocabulary import Vocabulary

_log = logging.getLogger(__name__)


class _Asked:
    """What one request asks for; `marker` is the list by which its rows are known again."""

    def __init__(self, asked: Subtraction, loaded: Loaded) -> None:
        manifest = loaded.manifest
        self.loaded = loaded
        self.alpha = manifest.alpha if asked.alpha is None else asked.alpha
        self.filter_rate = manifest.filter_rate if asked.filter_rate is None else asked.filter_rate
        self.marker: list[int] = []


class DifferenceProcessor(LogitsProcessor):  # type: ignore[misc]
    """Subtracts in each row the assistant named in its request, as guard.uld.vllm_v1 does; same arguments.

    Raises EngineUnavailable when constructed, so that the engine does not start: no GPU has shown yet that it
    serves what is computed offline. Speculative decoding is refused for good: its drafts are not followed.
    """

    proven: ClassVar[bool] = False

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request with malformed arguments; vLLM answers it with 400."""
        Subtraction.read(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        if not self.proven or vllm_config.speculative_config is not None:
            raise EngineUnavailable(
                "logit difference is not proven with vLLM's V2 model runner or speculative decoding; "
                "set VLLM_USE_V2_MODEL_RUNNER=0 and decode without speculation"
            )
        model = vllm_config.model_config
        vocabulary = Vocabulary.from_tokenizer(cached_tokenizer_from_config(model))
        self._eos = vocabulary.eos
        device, size = req_states.device, req_states.vocab_size
        self._pinned = torch.zeros(size, dtype=torch.bool, device=device)
        self._pinned[[token for token in vocabulary.special if token < size]] = True
        self._tokens = req_states.all_token_ids
        self._served = Served(
            promoted_folder(), model.model, model.tokenizer, model.dtype, device, model.max_model_len + 1
        )
        self._asked: dict[int, _Asked | None] = {}

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """Take over a request's slot from whoever held it; return whether the request names an assistant."""
        self._asked.pop(req_idx, None)
        try:
            asked = Subtraction.read(sampling_params.extra_args)
            if asked is None:
                return False
            self._asked[req_idx] = _Asked(asked, self._served.get(asked.digest))
        except Exception as error:
            _log.error("closed a request: %s", type(error).__name__)
            self._asked[req_idx] = None
        return True

    def apply(self, logits: torch.Tensor, ctx: LogitsContext) -> torch.Tensor:
        """Put, in place, what is served into the rows of logits [rows, width] whose request has an assistant."""
        slots = ctx.expanded_idx_mapping.tolist()
        mine = {row: slot for row, slot in enumerate(slots) if slot in self._asked}
        if mine:
            try:
                failed = self._subtract(logits, mine, ctx)
            except Exception as error:
                _log.error("closed the rows with an assistant for a step: %s", type(error).__name__)
                failed = list(mine)
            close(logits, failed, self._eos)
        return logits

    def _subtract(self, logits: torch.Tensor, mine: dict[int, int], ctx: LogitsContext) -> list[int]:
        lengths = (ctx.pos + 1).tolist()
        failed, rows = [], {}
        for row, slot in mine.items():
            asked = self._asked[slot]
            if asked is None:
                failed.append(row)
                continue
            tokens = self._tokens.gpu[slot, : lengths[row]].tolist()
            text = Text(tokens, asked.marker, asked.loaded.changes)
            rows[row] = Row(asked.loaded, text, asked.alpha, asked.filter_rate)
        return failed + subtract(logits, rows, self._pinned)
