"""Incremental forward passes of the assistants for the running batch, one KV slot per request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from guard.errors import BadSettings
from guard.uld.slot_cache import SlotCache
from guard.uld.truncated_model import TruncatedModel

_PREFILL_CHUNK_TOKENS = 256


@dataclass(frozen=True, slots=True, eq=False)
class RunningSequence:
    """One row: its prompt, the live list of its generated tokens, and the adapter of its assistant.

    It is recognised by the list's identity, so that a preempted row finds its cached keys and values again. Draft
    tokens that it comes after are cached too, and computed again if others follow instead.
    """

    prompt: Sequence[int]
    output: Sequence[int]
    adapter: Mapping[str, nn.Parameter]
    drafts: Sequence[int] = ()


@dataclass(slots=True)
class _SequenceSlot:
    # `output` keeps the list alive, so that its identity is not used again. `length` tokens are in the KV cache.
    number: int
    output: Sequence[int]
    length: int = 0


class _Pending(NamedTuple):
    position: int
    slot: _SequenceSlot
    adapter: Mapping[str, nn.Parameter]
    tokens: list[int]


class AssistantRunner:
    """Next-token logits of assistants for the rows of each step: incremental decoding with a slotted KV cache.

    What must be computed for a row follows from its tokens alone, never from earlier steps: chunked prefill,
    preemption, and rows that come, go and move need no notice. At most `budget_bytes` of keys and values are kept,
    with room for the longest text of a step in each row; if a step has more rows than fit, they run in groups and
    are computed from the start. Not thread-safe.
    """

    def __init__(self, truncated_model: TruncatedModel, max_tokens: int, budget_bytes: int) -> None:
        """Raise BadSettings when not one row of `max_tokens` tokens fits the budget."""
        token_bytes = SlotCache.bytes_per_token(truncated_model.config, truncated_model.dtype)
        if budget_bytes < token_bytes * max_tokens:
            raise BadSettings(f"the assistants' cache is too small for one text of {max_tokens} tokens")
        self._truncated_model = truncated_model
        self._max_tokens = max_tokens
        self._cache = SlotCache(
            truncated_model.config, budget_bytes, max_tokens, truncated_model.dtype, truncated_model.device
        )
        self._slots: OrderedDict[int, _SequenceSlot] = OrderedDict()
        self._free: list[int] = []

    @property
    def width(self) -> int:
        """The number of logits per token."""
        return self._truncated_model.width

    @property
    def bytes(self) -> int:
        """The current size of the keys and values, in bytes."""
        return self._cache.bytes

    @torch.inference_mode()
    def logits(self, sequences: Sequence[RunningSequence]) -> torch.Tensor:
        """Return float32 [len(sequences), width]: each row's next-token logits by its assistant.

        Each output is there once: rows of a request with fewer drafts come in an earlier call. Raises ValueError
        for a sequence that is empty or too long.
        """
        indices: list[int] = []
        scores: list[torch.Tensor] = []
        texts = [_known_tokens(sequence) for sequence in sequences]
        if not all(0 < len(tokens) <= self._max_tokens for tokens in texts):
            raise ValueError("a sequence must have a token, and no more than fit")
        self._make_room(len(texts), max(map(len, texts)))
        for first in range(0, len(sequences), self._cache.slots):
            group = range(first, min(first + self._cache.slots, len(sequences)))
            pending = self._pending(sequences, texts, group)
            for batch in _batches(pending):
                self._truncated_model.activate(batch[0].adapter)
                scores.append(self._run(batch))
                indices += [p.position for p in batch]
        if indices == list(range(len(sequences))):
            return torch.cat(scores) if len(scores) > 1 else scores[0]
        return torch.cat(scores)[torch.tensor(indices, device=self._truncated_model.device).argsort()]

    def _make_room(self, rows: int, reach: int) -> None:
        """Have slots for texts of up to `reach` tokens, and forget those that the resized cache has not kept."""
        if not self._cache.resize(rows, reach):
            return
        slots, length = self._cache.slots, self._cache.length
        lost = [key for key, slot in self._slots.items() if slot.number >= slots or slot.length > length]
        self._free += [self._slots.pop(key).number for key in lost]
        self._free = [number for number in self._free if number < slots]

    def _pending(
        self, sequences: Sequence[RunningSequence], texts: Sequence[list[int]], group: range
    ) -> list[_Pending]:
        here = {id(sequences[index].output) for index in group}
        pending = []
        for index in group:
            sequence, tokens = sequences[index], texts[index]
            slot = self._slot(sequence, here)
            # When no token is new, the last one runs again, to have logits.
            slot.length = min(slot.length, len(tokens) - 1)
            pending.append(_Pending(index, slot, sequence.adapter, tokens[slot.length :]))
        return pending

    def _slot(self, sequence: RunningSequence, here: set[int]) -> _SequenceSlot:
        key = id(sequence.output)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _SequenceSlot(self._free_number(here), sequence.output)
        self._slots.move_to_end(key)
        return slot

    def _free_number(self, here: set[int]) -> int:
        # A few rows that left keep their slots, since they may come back after preemption.
        room = min(self._cache.slots, len(here) + max(4, len(here) // 4))
        if not self._free and len(self._slots) >= room:
            oldest = next(key for key in self._slots if key not in here)
            self._free.append(self._slots.pop(oldest).number)
        if not self._free:
            return len(self._slots)
        self._free.sort(reverse=True)
        return self._free.pop()

    def _run(self, batch: Sequence[_Pending]) -> torch.Tensor:
        """Run the pending tokens, the same number in each row, and return the logits after the last."""
        device = self._truncated_model.device
        tokens = torch.tensor([p.tokens for p in batch], device=device)
        starts = torch.tensor([[p.slot.length] for p in batch], device=device)
        states = tokens
        for first in range(0, tokens.shape[1], _PREFILL_CHUNK_TOKENS):
            chunk = tokens[:, first : first + _PREFILL_CHUNK_TOKENS]
            positions = starts + torch.arange(first, first + chunk.shape[1], device=device)
            reach = max(p.slot.length for p in batch) + first + chunk.shape[1]
            self._cache.set_positions([p.slot.number for p in batch], positions, reach)
            seen = torch.arange(reach, device=device) <= positions[:, None, :, None]
            states = self._truncated_model.hidden(
                chunk, position_ids=positions, attention_mask=seen, past_key_values=self._cache, use_cache=True
            )
        for p in batch:
            p.slot.length += len(p.tokens)
        return self._truncated_model.logits(states[:, -1])


def _known_tokens(sequence: RunningSequence) -> list[int]:
    """Return prompt, output without the placeholders (-1) that asynchronous scheduling appends, and drafts."""
    length = len(sequence.output)
    while length and sequence.output[length - 1] < 0:
        length -= 1
    return [*sequence.prompt, *sequence.output[:length], *sequence.drafts]


def _batches(pending: Sequence[_Pending]) -> Iterator[list[_Pending]]:
    """Split rows into batches of one assistant and one number of pending tokens."""
    batches: dict[tuple[int, int], list[_Pending]] = {}
    for p in pending:
        batches.setdefault((id(p.adapter), len(p.tokens)), []).append(p)
    for batch in batches.values():
        yield sorted(batch, key=lambda p: p.slot.number)
