"""Logits rules: what a policy changes in the next-token logits of a batch, by the code that serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch

from eval.core.prompt import Prompt
from guard.decoding.batch import RestrictedBatch
from guard.decoding.masking import mask
from guard.decoding.restriction import RestrictionCache
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton


class Steps(Protocol):
    """A rule applied to the rows of one batch, token after token."""

    def keep(self, rows: Sequence[int]) -> None:
        """Keep these rows alone, given in ascending order."""
        ...

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the logits [rows, width] as they are served, given the outputs so far."""
        ...


class Rule(Protocol):
    """A change of next-token logits."""

    def begin(
        self, prompts: Sequence[Prompt], prompt_ids: Sequence[Sequence[int]], outputs: Sequence[list[int]]
    ) -> Steps:
        """Start a batch; `outputs` are the live lists of the token ids generated after each of `prompt_ids`."""
        ...


class Mask:
    """GUARD's token mask: a token that would complete a forbidden phrase gets probability 0."""

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._restrictions = RestrictionCache(folder, vocabulary)
        self._vocabulary = vocabulary

    def automata(self, prompt: Prompt) -> list[Automaton]:
        """Return the automata that restrict a prompt."""
        return [self._restrictions.get(digest).automaton for digest in prompt.digests]

    def begin(
        self, prompts: Sequence[Prompt], prompt_ids: Sequence[Sequence[int]], outputs: Sequence[list[int]]
    ) -> Steps:
        batch = RestrictedBatch(self._vocabulary)
        for index, (prompt, ids, output) in enumerate(zip(prompts, prompt_ids, outputs, strict=True)):
            if prompt.digests:
                batch.put(
                    index, [self._restrictions.get(d) for d in prompt.digests], ids, output, prompt.backtracking
                )
        return _MaskSteps(batch, self._vocabulary.eos, any(prompt.digests for prompt in prompts))


class _MaskSteps:
    def __init__(self, batch: RestrictedBatch, eos: tuple[int, ...], restricted: bool) -> None:
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
