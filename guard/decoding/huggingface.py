"""Constrained decoding in transformers' `generate`: the reference that the engine is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LogitsProcessor

from guard.decoding.batch import RestrictedBatch
from guard.decoding.masking import mask
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary
from guard.matching.automaton import Automaton


class RestrictionProcessor(LogitsProcessor):  # type: ignore[misc]
    """Forbids in each row what the automata given for its prompt forbid.

    `automata` holds those of each prompt of the batch, none for a free one. Prompts are padded on the left to
    `prompt_length` tokens, by a special token. If `generate` makes several rows of a prompt (beams, return
    sequences), they are adjacent and share its automata. Use an instance for one call of `generate`.
    """

    def __init__(
        self, vocabulary: Vocabulary, automata: Sequence[Sequence[Automaton]], prompt_length: int
    ) -> None:
        self._vocabulary = vocabulary
        shared = {a.digest: Restriction(a, vocabulary) for row in automata for a in row}
        self._restrictions = [[shared[a.digest] for a in row] for row in automata]
        self._prompt_length = prompt_length
        self._batch = RestrictedBatch(vocabulary)
        self._outputs: list[list[int]] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return scores [rows, width] with -inf for tokens that must not follow input_ids [rows, length]."""
        first = not self._outputs
        if first:
            self._outputs = [[] for _ in input_ids]
        rows_per_prompt = len(input_ids) // len(self._restrictions)
        for index, text in enumerate(input_ids.tolist()):
            prompt, output = text[: self._prompt_length], text[self._prompt_length :]
            known = self._outputs[index]
            # Beams are reordered: a row may continue another text than before.
            if first or output[: len(known)] != known:
                known = self._outputs[index] = []
                restrictions = self._restrictions[index // rows_per_prompt]
                if restrictions:
                    self._batch.put(index, restrictions, prompt, known)
            known += output[len(known) :]
        scores = scores.clone()
        mask(scores, self._batch, self._vocabulary.eos)
        return scores
