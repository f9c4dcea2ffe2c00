"""Beam search over a transformers model: the reference that the engine's search is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from guard.decoding.batch import Batch
from guard.decoding.beam import WIDTH, Extension, Following, candidates
from guard.decoding.masking import mask
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary

Served = Callable[[Sequence[list[int]], torch.Tensor], torch.Tensor]
"""The logits float32 [beams, width] as they are served, after what each beam has said."""


def restricted(restrictions: Sequence[Restriction], vocabulary: Vocabulary, prompt: Sequence[int]) -> Served:
    """Return what serves logits under these restrictions after this prompt."""

    def served(outputs: Sequence[list[int]], logits: torch.Tensor) -> torch.Tensor:
        batch = Batch(vocabulary)
        for index, output in enumerate(outputs):
            batch.put(index, restrictions, prompt, output)
        mask(logits, batch, vocabulary.eos)
        return logits

    return served


class ModelScorer:
    """Scores the beams of one search after `prompt`, as one batch of `model` on the CPU."""

    def __init__(self, model: Any, prompt: Sequence[int], served: Served, width: int = WIDTH) -> None:
        self._model = model
        self._prompt = list(prompt)
        self._served = served
        self._candidates = candidates(width)
        self._outputs: list[list[int]] = [[]]
        self._cache: Any = None

    @torch.inference_mode()
    def follow(self, extension: Extension) -> list[Following]:
        """Return the likeliest tokens after each beam."""
        tokens = torch.tensor([self._prompt])
        if extension.tokens:
            pairs = zip(extension.parents, extension.tokens, strict=True)
            self._outputs = [[*self._outputs[parent], token] for parent, token in pairs]
            # A copy for each beam: those that shared one would write over each other.
            self._cache.batch_select_indices(torch.tensor(extension.parents))
            tokens = torch.tensor(extension.tokens)[:, None]
        result = self._model(input_ids=tokens, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        self._cache = result.past_key_values
        logits = self._served(self._outputs, result.logits[:, -1].float())
        best = torch.log_softmax(logits, dim=-1).topk(min(self._candidates, logits.shape[-1]))
        listed = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [Following(ids, log_probs) for ids, log_probs in listed]
