"""A model runner for tests: it calls vLLM's own V2 request states and sampler as its GPU model runner does.

The forward pass is a function of the tokens so far, and sampling is greedy, with drafts verified as by rejection
sampling at temperature 0. vLLM's kernels are replaced by the same in plain torch, or run by Triton's interpreter.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from vllm import SamplingParams

with warnings.catch_warnings():
    # torch itself compiles what it calls deprecated, where vLLM imports its sampler.
    warnings.simplefilter("ignore", DeprecationWarning)
    from vllm.v1.worker.cpu.buffer_utils import UvaBuffer
    from vllm.v1.worker.gpu import buffer_utils, input_batch
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsProcessor, LogitsProcRequestState
    from vllm.v1.worker.gpu.sample.sampler import Sampler
    from vllm.v1.worker.gpu.spec_decode import rejection_sampler
    from vllm.v1.worker.gpu.states import RequestState

Model = Callable[[Sequence[int]], torch.Tensor]
"""Logits [width] of the next token after these."""

MAX_TOKENS = 128


@dataclass(eq=False)
class Request:
    """A request as the scheduler sees it; `rows` are the logits that each output token was chosen from."""

    id: str
    prompt: list[int]
    params: SamplingParams
    model: Model
    output: list[int] = field(default_factory=list)
    rows: list[torch.Tensor] = field(default_factory=list)
    offered: list[torch.Tensor] = field(default_factory=list)

    @property
    def tokens(self) -> list[int]:
        return self.prompt + self.output


class Layout(NamedTuple):
    """What the runner prepares of a step for the sampler."""

    slots: torch.Tensor
    row_slots: torch.Tensor
    local: torch.Tensor
    input_ids: torch.Tensor
    positions: torch.Tensor
    first_rows: list[int]
    ends: torch.Tensor


class Runner:
    """Runs requests through `make`'s processors, in slots that are used again."""

    def __init__(
        self,
        make: Callable[[Any, LogitsProcRequestState], Sequence[LogitsProcessor]],
        config: SimpleNamespace,
        width: int,
        *,
        max_requests: int = 4,
        interpreted: bool = False,
    ) -> None:
        speculative = config.speculative_config
        self.drafts = speculative.num_speculative_tokens if speculative else 0
        self.interpreted = interpreted
        device = torch.device("cpu")
        self.states = RequestState(max_requests, MAX_TOKENS, 512, max(1, self.drafts), width, device)
        self.processors = make(config, LogitsProcRequestState.from_request_state(self.states))
        self.sampler = Sampler(
            config,
            max_requests,
            width,
            device,
            self.states,
            "processed_logprobs",
            max(1, self.drafts),
            custom_logits_processors=self.processors,
        )
        self.requests: dict[str, Request] = {}
        self.layouts: list[Layout] = []

    def step(
        self,
        added: Sequence[Request] = (),
        removed: Sequence[str] = (),
        scheduled: Mapping[str, int] | None = None,
        drafts: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """Run one step of the scheduler.

        removed    finished and preempted requests, which leave their slots first
        added      new requests, and preempted ones that are back with what they have said
        scheduled  in the order of the batch, the number of prompt tokens that each request may read at most
        drafts     draft tokens of requests past their prefill
        """
        for id in sorted(removed):
            self.states.remove_request(id)
            del self.requests[id]
        for request in added:
            self.states.add_request(request.id, len(request.prompt), request.tokens, 0, 64)
            self.requests[request.id] = request
            self.sampler.add_request(self.states.req_id_to_index[request.id], request.params)
        if added:
            self.states.apply_staged_writes()
        self.sampler.apply_staged_writes()
        batch = [self.requests[id] for id in (scheduled or dict.fromkeys(self.requests, MAX_TOKENS))]
        if batch:
            self._sample(batch, scheduled or {}, drafts or {})

    def _sample(
        self, batch: list[Request], scheduled: Mapping[str, int], drafts: Mapping[str, Sequence[int]]
    ) -> None:
        states, queries = self.states, list[list[int]]()
        slots_np = np.array([states.req_id_to_index[request.id] for request in batch], np.intp)
        computed = [int(states.num_computed_tokens.gpu[slot]) for slot in slots_np]
        for request, slot, start in zip(batch, slots_np.tolist(), computed, strict=True):
            prefill = int(states.prefill_len.np[slot])
            if start < prefill:
                queries.append(request.tokens[start : min(prefill, start + scheduled.get(request.id, MAX_TOKENS))])
            else:
                given = list(drafts.get(request.id, ()))
                states.draft_tokens[slot, : len(given)] = torch.tensor(given, dtype=torch.int64)
                queries.append([request.output[-1], *given])
        prefills = states.prefill_len.np[slots_np].tolist()
        decoding = [start >= prefill for start, prefill in zip(computed, prefills, strict=True)]
        counts = [len(query) if decodes else 1 for query, decodes in zip(queries, decoding, strict=True)]
        layout = (self._kernel_layout if self.interpreted else self._layout)(slots_np, computed, queries, counts)
        self.layouts.append(layout)
        logits = torch.stack(
            [
                request.model(request.tokens + (queries[number][1 : row + 1] if decoding[number] else []))
                for number, request in enumerate(batch)
                for row in range(counts[number])
            ]
        )
        processed = self.sampler.apply_sampling_params(
            logits,
            layout.row_slots,
            layout.slots,
            slots_np,
            layout.positions,
            layout.input_ids,
            layout.local,
            np.array([start + len(query) for start, query in zip(computed, queries, strict=True)], np.int32),
        )
        sampled = []
        for number, request in enumerate(batch):
            rows = processed[layout.first_rows[number] : layout.first_rows[number] + counts[number]]
            ended = computed[number] + len(queries[number]) >= prefills[number]
            said = _verified(rows, queries[number][1:] if decoding[number] else []) if ended else []
            first = layout.first_rows[number]
            request.rows += [row.clone() for row in rows[: len(said)]]
            request.offered += [row.clone() for row in logits[first : first + len(said)]]
            request.output += said
            sampled.append(said)
        self._commit(layout, queries, counts, sampled)

    def _layout(
        self, slots: np.ndarray, computed: list[int], queries: list[list[int]], counts: list[int]
    ) -> Layout:
        def column(values: Iterator[int], dtype: torch.dtype = torch.int64) -> torch.Tensor:
            return torch.tensor(list(values), dtype=dtype)

        rows = [(number, row) for number, count in enumerate(counts) for row in range(count)]
        last = [len(query) - count for query, count in zip(queries, counts, strict=True)]
        return Layout(
            torch.from_numpy(slots.astype(np.int64)),
            column(int(slots[number]) for number, _ in rows),
            column((row for _, row in rows), torch.int32),
            column((queries[number][last[number] + row] for number, row in rows), torch.int32),
            column(computed[number] + last[number] + row for number, row in rows),
            [sum(counts[:number]) for number in range(len(counts))],
            torch.tensor([0, *np.cumsum([len(query) for query in queries]).tolist()], dtype=torch.int32),
        )

    def _kernel_layout(
        self, slots: np.ndarray, computed: list[int], queries: list[list[int]], counts: list[int]
    ) -> Layout:
        """The same by vLLM's kernels: the tokens of a query come from the request states alone."""
        states, plain = self.states, self._layout(slots, computed, queries, counts)
        total = int(plain.ends[-1])
        input_ids = torch.zeros(total, dtype=torch.int32)
        positions, lengths = torch.zeros(total, dtype=torch.int64), torch.zeros(len(slots), dtype=torch.int32)
        first = torch.tensor([0, *np.cumsum(counts).tolist()], dtype=torch.int32)
        row_slots, local = input_batch.expand_idx_mapping(plain.slots, sum(counts), first, self.drafts + 1)
        input_batch.prepare_prefill_inputs(
            input_ids, states.next_prefill_tokens, plain.slots, plain.ends, states.all_token_ids.gpu,
            states.prefill_len.gpu, states.num_computed_tokens.gpu,
        )  # fmt: skip
        input_batch.prepare_pos_seq_lens(
            plain.slots, plain.ends, states.num_computed_tokens.gpu, positions, lengths
        )
        indices = input_batch.combine_sampled_and_draft_tokens(
            input_ids, plain.slots, states.last_sampled_tokens, plain.ends, lengths, states.prefill_len.gpu,
            states.draft_tokens, first, sum(counts),
        )  # fmt: skip
        ids, at = rejection_sampler.gather_draft_sampled(
            input_ids, positions, indices, row_slots, local, states.prefill_len.gpu
        )
        return plain._replace(row_slots=row_slots, local=local, input_ids=ids, positions=at)

    def _commit(
        self, layout: Layout, queries: list[list[int]], counts: list[int], sampled: list[list[int]]
    ) -> None:
        states = self.states
        rejected = [count - len(said) if said else 0 for count, said in zip(counts, sampled, strict=True)]
        if self.interpreted:
            width = max(map(len, sampled)) or 1
            input_batch.post_update(
                layout.slots, states.num_computed_tokens.gpu, states.last_sampled_tokens, None,
                torch.tensor([[*said, *[0] * (width - len(said))] for said in sampled]),
                torch.tensor([len(said) for said in sampled], dtype=torch.int32),
                torch.tensor(rejected, dtype=torch.int32), layout.ends, states.all_token_ids.gpu,
                states.total_len.gpu,
            )  # fmt: skip
            return
        for slot, query, said, lost in zip(layout.slots.tolist(), queries, sampled, rejected, strict=True):
            states.num_computed_tokens.gpu[slot] += len(query) - lost
            if said:
                total = int(states.total_len.gpu[slot])
                states.all_token_ids.gpu[slot, total : total + len(said)] = torch.tensor(said, dtype=torch.int32)
                states.total_len.gpu[slot] += len(said)
                states.last_sampled_tokens[slot] = said[-1]


def _verified(rows: torch.Tensor, drafts: Sequence[int]) -> list[int]:
    """The accepted drafts and the token after them."""
    said = rows.argmax(-1).tolist()
    accepted = next((n for n, draft in enumerate(drafts) if said[n] != draft), len(drafts))
    return said[: accepted + 1]


class _Launched(NamedTuple):
    """A plain function called as a Triton kernel is: kernel[grid](...)."""

    run: Callable[..., None]

    def __getitem__(self, grid: object) -> Callable[..., None]:
        return self.run


def _write(
    gpu: torch.Tensor, stride: int, rows: Any, starts: Any, contents: Any, ends: Any, groups: None, **sizes: object
) -> None:
    first = 0
    table = gpu if gpu.dim() == 2 else gpu[:, None]
    for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
        table[row, start : start + end - first] = contents[first:end]
        first = end


@contextmanager
def kernels(*, interpreted: bool = False) -> Iterator[None]:
    """Let vLLM's V2 buffers and, if `interpreted`, its kernels work on the CPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffer_utils, "UvaBuffer", UvaBuffer)
        patch.setattr(buffer_utils, "is_uva_available", lambda: True)
        if not interpreted:
            patch.setattr(buffer_utils, "_apply_write_kernel", _Launched(_write))
        else:
            triton = pytest.importorskip("triton", reason="Triton is not installed")
            from triton.runtime.interpreter import InterpretedFunction

            for module in (buffer_utils, input_batch, rejection_sampler):
                patch.setattr(module, "triton", triton)
                patch.setattr(module, "tl", triton.language)
                for name, kernel in list(vars(module).items()):
                    if name.endswith("_kernel") and isinstance(kernel, FunctionType):
                        patch.setattr(module, name, InterpretedFunction(kernel))
        yield
