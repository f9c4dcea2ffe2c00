"""Constrained decoding inside a vLLM worker: applies the token mask of each row's automata."""

from __future__ import annotations

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig

from guard.decoding.batch import RestrictedBatch
from guard.decoding.masking import mask
from guard.decoding.request_args import POLICY_DIR_ENV, EngineArgs
from guard.decoding.restriction import RestrictionCache
from guard.matching.live_automata import LiveAutomata
from guard.vllm_v1.base import RowProcessor, folder_of


class RestrictionProcessor(RowProcessor):
    """Forbids in each row what the automata named in its request forbid; never raises once constructed.

    A row is closed, so that it may only end, when its request names no policy or an automaton that cannot be
    attached, or on any other error.
    """

    _rows: RestrictedBatch

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Raise ValueError for a request without well-formed arguments; vLLM answers it with 400."""
        EngineArgs.load_restriction(sampling_params.extra_args)

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        """Read the tokenizer, and from LETHE_POLICY_DIR which folder automata are attached from.

        Raises PolicyUnavailable without that variable, and ModelUnavailable for a tokenizer that cannot be
        restricted: the engine then does not start.
        """
        folder = folder_of(POLICY_DIR_ENV)
        super().__init__(vllm_config, device, is_pin_memory)
        # Read with word borders now, which takes a second for 128,000 tokens: later, a batch would wait for it.
        self._vocabulary.bordered  # noqa: B018
        self._rows = RestrictedBatch(self._vocabulary)
        self._restrictions = RestrictionCache(folder, self._vocabulary)
        self._live = LiveAutomata(folder)
        self._published: tuple[str, ...] = ()
        self._pending: tuple[str, ...] | None = None

    def _put(self, index: int, params: SamplingParams, prompt: list[int] | None, output: list[int]) -> None:
        args = EngineArgs.load_restriction(params.extra_args)
        if args.closed:
            self._rows.close(index)
            return
        if args.unrestricted:
            # Not followed, so that the live automata do not reach it either.
            return
        restrictions = [self._restrictions.get(digest) for digest in args.automata]
        if restrictions and prompt is None:
            raise ValueError("a prompt of embeddings cannot be read")
        prints_special = not params.skip_special_tokens
        self._rows.put(index, restrictions, prompt or [], output, args.backtracking, prints_special=prints_special)

    def _apply(self, logits: torch.Tensor) -> None:
        self._reload_live()
        mask(logits, self._rows, self._eos)

    def _reload_live(self) -> None:
        """Restrict every row by a newly published live list; retry at each step until all of it is attached."""
        digests = self._live.poll()
        if digests is not None:
            self._pending = digests
        if self._pending is not None:
            self._rows.set_global([self._restrictions.get(digest) for digest in self._pending])
            self._restrictions.drop(set(self._published).difference(self._pending))
            self._published, self._pending = self._pending, None
