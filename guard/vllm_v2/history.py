"""What each request has said so far, read from the V2 runner's tensors with one small copy a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from guard.decoding.rows import LogitsRow

if TYPE_CHECKING:
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcRequestState


@dataclass(slots=True, eq=False)
class History:
    """Prompt and live output of the request in a slot; both are empty until the first step that reads them."""

    prompt: list[int] = field(default_factory=list)
    output: list[int] = field(default_factory=list)

    @property
    def length(self) -> int:
        """The number of tokens."""
        return len(self.prompt) + len(self.output)


class Histories:
    """The histories of the requests by their slots, as far as a step has read them.

    They hold what the runner has committed. Draft tokens of speculative decoding are never part of them.
    """

    def __init__(self, req_states: LogitsProcRequestState, max_step_tokens: int) -> None:
        """`max_step_tokens`: the most tokens that a step commits for a request, drafts and one more."""
        self._states = req_states
        self._window = max_step_tokens
        self._slots: dict[int, History] = {}

    def begin(self, slot: int) -> History:
        """Forget what a slot held, and return the history of its next request."""
        history = self._slots[slot] = History()
        return history

    def read(self, ctx: LogitsContext, slots: Sequence[int]) -> list[LogitsRow]:
        """Bring the histories of these slots up to date, and return all rows of logits of this step.

        Raises ValueError for a layout that is not understood: rows of a request that do not follow each other.
        """
        wanted = set(slots)
        logits_rows: list[LogitsRow] = []
        last = (-1, -1, -1)
        for slot, local, position, token, *committed in self._copied(ctx):
            if local == 0:
                logits_rows.append(LogitsRow(slot))
                if slot in wanted:
                    self._extend(slot, position + 1, committed)
            elif last == (slot, local - 1, position - 1):
                logits_rows.append(LogitsRow(slot, (*logits_rows[-1].drafts, token)))
            else:
                raise ValueError("a draft does not follow the row before it")
            last = slot, local, position
        return logits_rows

    def _copied(self, ctx: LogitsContext) -> list[list[int]]:
        """Return of each row slot, place among the rows of its request, position, token, and committed tokens.

        These are the `max_step_tokens` last ones up to the position, the newest first.
        """
        import torch

        slots, position = ctx.expanded_idx_mapping.long(), ctx.pos.long()
        back = torch.arange(self._window, device=position.device)
        committed = self._states.all_token_ids.gpu[slots[:, None], (position[:, None] - back).clamp(min=0)]
        layout = torch.stack([slots, ctx.expanded_local_pos.long(), position, ctx.input_ids.long()], 1)
        rows: list[list[int]] = torch.cat([layout, committed.long()], 1).tolist()
        return rows

    def _extend(self, slot: int, length: int, committed: Sequence[int]) -> None:
        """Bring a history to at least `length` tokens; the newest of them are given, the newest first."""
        history = self._slots[slot]
        if not history.prompt:
            prompt = int(self._states.prompt_len.np[slot])
            # In the middle of a prefill all of it is known; after preemption it includes earlier output.
            tokens = self._tokens(slot, 0, max(length, int(self._states.prefill_len.np[slot])))
            history.prompt += tokens[:prompt]
            history.output += tokens[prompt:]
        missing = length - history.length
        if missing > len(committed):
            history.output += self._tokens(slot, history.length, length)
        elif missing > 0:
            history.output += reversed(committed[:missing])

    def _tokens(self, slot: int, first: int, end: int) -> list[int]:
        tokens: list[int] = self._states.all_token_ids.gpu[slot, first:end].tolist()
        return tokens
