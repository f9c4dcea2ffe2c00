"""Assistants run along the texts of a changing batch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from guard.errors import BadSettings
from guard.uld.slot_cache import SlotCache
from guard.uld.truncated_model import Trunk

_CHUNK = 256


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """One row: its prompt, the live list of its generated tokens, and the assistant that follows it.

    Known again by the list's identity, so a row that was preempted finds what was computed for it.
    """

    prompt: Sequence[int]
    output: Sequence[int]
    changes: Mapping[str, nn.Parameter]


@dataclass(slots=True)
class _Slot:
    # Holding the list keeps its identity from being used again.
    number: int
    output: Sequence[int]
    read: int = 0


class _Pending(NamedTuple):
    place: int
    slot: _Slot
    changes: Mapping[str, nn.Parameter]
    tokens: list[int]


class Follower:
    """Next-token logits of assistants for the rows of each step, whatever came before.

    What a row needs is read from its tokens alone: nothing is counted by step, so partly filled prompts,
    preemption, and rows that come, go and move need no word. At most `budget` bytes of keys and values are kept;
    when the rows of a step are more than fit, they take turns and are computed anew. Not for several threads.
    """

    def __init__(self, trunk: Trunk, longest: int, budget: int) -> None:
        """Raise BadSettings when not one row of `longest` tokens fits the budget."""
        slots = budget // (SlotCache.bytes_per_token(trunk.config, trunk.dtype) * longest)
        if slots < 1:
            raise BadSettings(f"the assistants' cache is too small for one text of {longest} tokens")
        self._trunk = trunk
        self._longest = longest
        self._cache = SlotCache(trunk.config, slots, longest, trunk.dtype, trunk.device)
        self._slots: OrderedDict[int, _Slot] = OrderedDict()
        self._free: list[int] = []

    @property
    def width(self) -> int:
        """The number of logits of a token."""
        return self._trunk.width

    @property
    def bytes(self) -> int:
        """What the keys and values take now."""
        return self._cache.bytes

    @torch.inference_mode()
    def logits(self, texts: Sequence[Text]) -> torch.Tensor:
        """Return float32 [len(texts), width]: what each row's assistant says of its next token.

        Raises ValueError for a text that is empty or too long.
        """
        places: list[int] = []
        scores: list[torch.Tensor] = []
        for first in range(0, len(texts), self._cache.slots):
            wave = range(first, min(first + self._cache.slots, len(texts)))
            pending = self._pending(texts, wave)
            for part in _batches(pending):
                self._trunk.wear(part[0].changes)
                scores.append(self._run(part))
                places += [p.place for p in part]
        if places == list(range(len(texts))):
            return torch.cat(scores) if len(scores) > 1 else scores[0]
        return torch.cat(scores)[torch.tensor(places, device=self._trunk.device).argsort()]

    def _pending(self, texts: Sequence[Text], wave: range) -> list[_Pending]:
        here = {id(texts[place].output) for place in wave}
        pending = []
        for place in wave:
            text = texts[place]
            slot = self._slot(text, here)
            tokens = _known(text)
            if not 0 < len(tokens) <= self._longest:
                raise ValueError("a text must have a token, and no more than fit")
            # At least one token is read again when none is new, to have logits.
            slot.read = min(slot.read, len(tokens) - 1)
            pending.append(_Pending(place, slot, text.changes, tokens[slot.read :]))
        return pending

    def _slot(self, text: Text, here: set[int]) -> _Slot:
        key = id(text.output)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot(self._number(here), text.output)
        self._slots.move_to_end(key)
        return slot

    def _number(self, here: set[int]) -> int:
        # A few rows that left are remembered, since they may come back.
        room = min(self._cache.slots, len(here) + max(4, len(here) // 4))
        if not self._free and len(self._slots) >= room:
            oldest = next(key for key in self._slots if key not in here)
            self._free.append(self._slots.pop(oldest).number)
        if not self._free:
            return len(self._slots)
        self._free.sort(reverse=True)
        return self._free.pop()

    def _run(self, part: Sequence[_Pending]) -> torch.Tensor:
        """Read the pending tokens, as many in each row; return the logits after the last."""
        device = self._trunk.device
        tokens = torch.tensor([p.tokens for p in part], device=device)
        starts = torch.tensor([[p.slot.read] for p in part], device=device)
        states = tokens
        for first in range(0, tokens.shape[1], _CHUNK):
            chunk = tokens[:, first : first + _CHUNK]
            positions = starts + torch.arange(first, first + chunk.shape[1], device=device)
            reach = max(p.slot.read for p in part) + first + chunk.shape[1]
            self._cache.point([p.slot.number for p in part], positions, reach)
            seen = torch.arange(reach, device=device) <= positions[:, None, :, None]
            states = self._trunk.hidden(
                chunk, position_ids=positions, attention_mask=seen, past_key_values=self._cache, use_cache=True
            )
        for p in part:
            p.slot.read += len(p.tokens)
        return self._trunk.logits(states[:, -1])


def _known(text: Text) -> list[int]:
    """Return prompt and output, less the placeholders (-1) that asynchronous scheduling puts at the end."""
    length = len(text.output)
    while length and text.output[length - 1] < 0:
        length -= 1
    return [*text.prompt, *text.output[:length]]


def _batches(pending: Sequence[_Pending]) -> Iterator[list[_Pending]]:
    """Part rows by assistant and by how many tokens they have to read."""
    together: dict[tuple[int, int], list[_Pending]] = {}
    for p in pending:
        together.setdefault((id(p.changes), len(p.tokens)), []).append(p)
    for part in together.values():
        yield sorted(part, key=lambda p: p.slot.number)
