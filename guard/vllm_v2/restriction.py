"""Constrained decoding inside a vLLM worker of the V2 runner: the token mask of each row of logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from guard.decoding.request_args import POLICY_DIR_ENV, EngineArgs, folder_of
from guard.decoding.restricted_requests import RestrictedRequests
from guard.decoding.rows import LogitsRow
from guard.errors import PolicyUnavailable
from guard.vllm_v2.base import SlotProcessor
from guard.vllm_v2.history import History
from guard.workers.acknowledgement import of_this_process
from guard.workers.unproven import unproven

if TYPE_CHECKING:
    import torch
    from vllm import SamplingParams
    from vllm.config import VllmConfig
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcRequestState


class RestrictionProcessor(SlotProcessor):
    """Forbids in each row what the automata named in its request forbid; never raises once constructed.

    A request is closed, so that it may only end, when it names no policy or an automaton that cannot be attached,
    or on any other error. Rows after draft tokens are masked as if the drafts had been said.
    """

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request without well-formed arguments; vLLM answers it with 400."""
        EngineArgs.load_restriction(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        """Read the tokenizer, and from LETHE_POLICY_DIR which folder automata are attached from.

        Begins to acknowledge in that folder what is loaded. Raises PolicyUnavailable without that variable and for
        an engine that is run as nobody has shown to be restricted, and ModelUnavailable for a tokenizer that
        cannot be: the engine then does not start.
        """
        folder = folder_of(POLICY_DIR_ENV)
        if reason := unproven(vllm_config):
            raise PolicyUnavailable(reason)
        super().__init__(vllm_config, req_states)
        self._requests = RestrictedRequests(folder, self._vocabulary, of_this_process(vllm_config))
        self._rows = self._requests.rows

    def _put(self, slot: int, params: SamplingParams, history: History) -> bool:
        prints_special = not params.skip_special_tokens
        return self._requests.put(
            slot, params.extra_args, history.prompt, history.output, prints_special=prints_special
        )

    def _concerned(self, slots: Sequence[int]) -> bool:
        self._requests.reload_live()
        return self._requests.rows.restricts(slots)

    def _apply(self, logits: torch.Tensor, logits_rows: Sequence[LogitsRow]) -> None:
        from guard.decoding.masking import mask

        mask(logits, self._requests.rows.expanded(logits_rows), self._eos)
