"""Constrained decoding inside a vLLM worker: applies the token mask of each row's automata."""

from __future__ import annotations

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig

from guard.decoding.masking import mask
from guard.decoding.request_args import POLICY_DIR_ENV, EngineArgs, folder_of
from guard.decoding.restricted_requests import RestrictedRequests
from guard.errors import PolicyUnavailable
from guard.vllm_v1.base import RowProcessor
from guard.workers.acknowledgement import of_this_process
from guard.workers.unproven import unproven


class RestrictionProcessor(RowProcessor):
    """Forbids in each row what the automata named in its request forbid; never raises once constructed.

    A row is closed, so that it may only end, when its request names no policy or an automaton that cannot be
    attached, or on any other error.
    """

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request without well-formed arguments; vLLM answers it with 400."""
        EngineArgs.load_restriction(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Read the tokenizer, and from LETHE_POLICY_DIR which folder automata are attached from.

        Begins to acknowledge in that folder what is loaded. Raises PolicyUnavailable without that variable and for
        an engine that is run as nobody has shown to be restricted, and ModelUnavailable for a tokenizer that
        cannot be: the engine then does not start.
        """
        folder = folder_of(POLICY_DIR_ENV)
        if reason := unproven(vllm_config):
            raise PolicyUnavailable(reason)
        super().__init__(vllm_config, device, is_pin_memory)
        self._requests = RestrictedRequests(folder, self._vocabulary, of_this_process(vllm_config))
        self._rows = self._requests.rows

    def _put(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        prints_special = not params.skip_special_tokens
        self._requests.put(index, params.extra_args, prompt, output, prints_special=prints_special)

    def _apply(self, logits: torch.Tensor) -> None:
        self._requests.reload_live()
        mask(logits, self._requests.rows, self._eos)
