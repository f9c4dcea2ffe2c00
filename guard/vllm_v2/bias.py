"""Soft matching inside a vLLM worker of the V2 runner: the sparse biases added to each row of logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from guard.decoding.request_args import POLICY_DIR_ENV, folder_of, load_biases
from guard.decoding.rows import LogitsRow
from guard.vllm_v2.base import SlotProcessor
from guard.vllm_v2.history import History

if TYPE_CHECKING:
    import torch
    from vllm import SamplingParams
    from vllm.config import VllmConfig
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcRequestState

    from guard.soft.rows import BiasTable


class BiasProcessor(SlotProcessor):
    """Adds to each row the biases named in its request; never raises once constructed.

    A request that names none is skipped; one whose bias is missing or damaged is closed, so that it may only end.
    """

    _rows: BiasTable

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request with malformed arguments; vLLM answers it with 400."""
        load_biases(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        """Read from LETHE_POLICY_DIR which folder biases are loaded from; raises PolicyUnavailable without it."""
        from guard.soft.rows import BiasCache, BiasTable

        folder = folder_of(POLICY_DIR_ENV)
        super().__init__(vllm_config, req_states)
        self._rows = BiasTable()
        self._biases = BiasCache(folder, vllm_config.model_config.get_vocab_size(), req_states.device)

    def _put(self, slot: int, params: SamplingParams, history: History) -> bool:
        digests = load_biases(params.extra_args)
        if digests:
            self._rows.rows[slot] = self._biases.get(digests)
        return bool(digests)

    def _logits_rows(self, ctx: LogitsContext, slots: Sequence[int]) -> Sequence[LogitsRow]:
        """Return the slot of each row: a bias does not depend on what was said, so that nothing is read of it."""
        # Without drafts a request has one row, in the order of the batch, which the host knows.
        drafted = len(ctx.expanded_idx_mapping) != len(ctx.idx_mapping_np)
        return [LogitsRow(slot) for slot in (ctx.expanded_idx_mapping if drafted else ctx.idx_mapping_np).tolist()]

    def _apply(self, logits: torch.Tensor, logits_rows: Sequence[LogitsRow]) -> None:
        self._rows.expanded(logits_rows).apply(logits, self._eos)
