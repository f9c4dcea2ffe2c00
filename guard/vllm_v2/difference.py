"""Logit difference inside a vLLM worker of the V2 runner: subtracts an assistant from each row that names one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from guard.decoding.request_args import ASSISTANT_DIR_ENV, folder_of, load_subtraction
from guard.decoding.rows import LogitsRow
from guard.vllm_v2.base import SlotProcessor
from guard.vllm_v2.history import History

if TYPE_CHECKING:
    import torch
    from vllm import SamplingParams
    from vllm.config import VllmConfig
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcRequestState

    from guard.uld.loaded import SubtractionTable


class DifferenceProcessor(SlotProcessor):
    """Subtracts in each row the assistant named in its request; never raises once constructed.

    A request without one is skipped. One is closed, so that it may only end, when its assistant is missing,
    damaged or of another model, or anything goes wrong; requests without an assistant are then left alone. The
    assistant reads draft tokens too, one pass for each.
    """

    _rows: SubtractionTable

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request with malformed arguments; vLLM answers it with 400."""
        load_subtraction(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        """Read the tokenizer, and from LETHE_ASSISTANT_DIR which folder promoted assistants are loaded from.

        Raises PolicyUnavailable without that variable, and ModelUnavailable or BadSettings as guard.uld.loaded
        does: the engine then does not start.
        """
        from guard.uld.loaded import LoadedAssistants, SubtractionTable

        folder = folder_of(ASSISTANT_DIR_ENV)
        super().__init__(vllm_config, req_states)
        model, device = vllm_config.model_config, req_states.device
        assistants = LoadedAssistants.of_engine(folder, model, device)
        self._rows = SubtractionTable(assistants, self._vocabulary, model.get_vocab_size(), device)

    def _put(self, slot: int, params: SamplingParams, history: History) -> bool:
        subtraction = load_subtraction(params.extra_args)
        if subtraction is None:
            return False
        self._rows.put(slot, subtraction, history.prompt, history.output)
        return True

    def _apply(self, logits: torch.Tensor, logits_rows: Sequence[LogitsRow]) -> None:
        self._rows.expanded(logits_rows).apply(logits, self._eos)
