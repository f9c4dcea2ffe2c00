"""What a policy changes in the next-token logits of a batch: the same pure pieces that serve."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch

from eval.core.ask import Ask
from guard.decoding.batch import Batch
from guard.decoding.masking import mask
from guard.decoding.restriction import Restrictions
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton


class Steps(Protocol):
    """A rule at work on the rows of one batch, token after token."""

    def keep(self, rows: Sequence[int]) -> None:
        """Only these rows go on, in this ascending order."""
        ...

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits [rows, width] as they are served, after what the rows have said so far."""
        ...


class Rule(Protocol):
    """A change of next-token logits."""

    def begin(self, asks: Sequence[Ask], prompts: Sequence[Sequence[int]], outputs: Sequence[list[int]]) -> Steps:
        """Start a batch; `prompts` are the ids of `asks`, `outputs` the live lists of what was said since."""
        ...


class Mask:
    """GUARD's restriction: a token that would complete a forbidden phrase cannot be said."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._restrictions = Restrictions(folder, vocabulary)
        self._vocabulary = vocabulary

    def automata(self, ask: Ask) -> list[Automaton]:
        """What an ask is restricted by."""
        return [self._restrictions.get(digest).automaton for digest in ask.digests]

    def begin(self, asks: Sequence[Ask], prompts: Sequence[Sequence[int]], outputs: Sequence[list[int]]) -> Steps:
        batch = Batch(self._vocabulary)
        for index, (ask, prompt, output) in enumerate(zip(asks, prompts, outputs, strict=True)):
            if ask.digests:
                batch.put(index, [self._restrictions.get(d) for d in ask.digests], prompt, output, ask.rewind)
        return _MaskSteps(batch, self._vocabulary.eos, any(ask.digests for ask in asks))


class _MaskSteps:
    def __init__(self, batch: Batch, eos: tuple[int, ...], restricted: bool) -> None:
        self._batch = batch
        self._eos = eos
        self._restricted = restricted
        self._rows = 0

    def keep(self, rows: Sequence[int]) -> None:
        for new, old in enumerate(rows):
            if new != old:
                self._batch.move(old, new, swap=False)
        for index in range(len(rows), self._rows):
            self._batch.drop(index)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        self._rows = len(logits)
        if self._restricted:
            logits = logits.clone()
            mask(logits, self._batch, self._eos)
        return logits
