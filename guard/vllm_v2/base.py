"""The fail-closed life cycle of the V2 logits processors: requests by slot, rows of logits by step."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor

from guard.decoding.rows import LogitsRow, RowTable
from guard.errors import PolicyUnavailable
from guard.vllm_v2.history import Histories, History

if TYPE_CHECKING:
    import torch
    from vllm import SamplingParams
    from vllm.config import VllmConfig
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcRequestState

_log = logging.getLogger(__name__)


class SlotProcessor(LogitsProcessor):  # type: ignore[misc]
    """Processes the rows of each request as it asks; never raises once constructed.

    An error in a request closes it, so that it may only end. An error in a step closes every row for that step.
    Only the type of an error is logged. The states are on the host: a step copies a few numbers for each row from
    the device, and nothing where no request of its batch concerns this processor.

    A subclass sets `_rows`, loads a request in `_put` and changes the logits in `_apply`.
    """

    _rows: RowTable[Any]

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        """Raise ModelUnavailable for a tokenizer that cannot be read, so that the engine does not start.

        PolicyUnavailable where the engine takes prompts of embeddings, which nobody could read, and for a
        diffusion model, which does not say one token after the other.
        """
        from vllm.tokenizers import cached_tokenizer_from_config

        from guard.decoding.vocabulary import vocabulary_of

        if vllm_config.model_config.enable_prompt_embeds:
            raise PolicyUnavailable("a prompt of embeddings cannot be read")
        if vllm_config.model_config.is_diffusion:
            raise PolicyUnavailable("a diffusion model cannot be restricted token by token")
        self._vocabulary = vocabulary_of(cached_tokenizer_from_config(vllm_config.model_config))
        self._eos = self._vocabulary.eos
        speculative = vllm_config.speculative_config
        drafts = speculative.num_speculative_tokens if speculative is not None else 0
        self._histories = Histories(req_states, drafts + 1)

    @abstractmethod
    def _put(self, slot: int, params: SamplingParams, history: History) -> bool:
        """Track a request in a free slot; return whether it ever asks anything of this processor.

        The history is still empty. The request is closed if this raises.
        """

    @abstractmethod
    def _apply(self, logits: torch.Tensor, logits_rows: Sequence[LogitsRow]) -> None:
        """Change logits [rows, width] in place. If this raises, all rows are closed for the step."""

    def _concerned(self, slots: Sequence[int]) -> bool:
        """Return whether this step has anything to do in these slots."""
        return any(slot in self._rows.rows for slot in slots)

    def _logits_rows(self, ctx: LogitsContext, slots: Sequence[int]) -> Sequence[LogitsRow]:
        """Return the rows of logits of a step, after reading what was said in these slots."""
        return self._histories.read(ctx, slots)

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """Begin a request, new or back from preemption, in a slot that may have held another."""
        self._rows.drop(req_idx)
        history = self._histories.begin(req_idx)
        try:
            return self._put(req_idx, sampling_params, history)
        except Exception as error:
            self._rows.close(req_idx, error)
            return True

    def apply(self, logits: torch.Tensor, ctx: LogitsContext) -> torch.Tensor:
        """Change logits [rows, width] in place and return them."""
        try:
            slots = ctx.idx_mapping_np.tolist()
            if self._concerned(slots):
                tracked = [slot for slot in slots if slot in self._rows.rows]
                self._apply(logits, self._logits_rows(ctx, tracked))
        except Exception as error:
            from guard.decoding.masking import close_all

            _log.error("closed all rows for a step: %s", type(error).__name__)
            close_all(logits, self._eos)
        return logits
