"""Beam search over a transformers model: the reference that the engine's search is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from guard.decoding.batch import RestrictedBatch
from guard.decoding.beam import BEAM_WIDTH, Extension, NextTokens, candidates_per_beam
from guard.decoding.masking import mask
from guard.decoding.restriction import Restriction
from guard.decoding.vocabulary import Vocabulary

ServeLogits = Callable[[Sequence[list[int]], torch.Tensor], torch.Tensor]
"""Changes the model's logits float32 [beams, width] to those served, given the ids each beam has generated."""


def serve_restricted(
    restrictions: Sequence[Restriction], vocabulary: Vocabulary, prompt: Sequence[int]
) -> ServeLogits:
    """Return a function that serves logits under these restrictions after this prompt."""

    def serve(outputs: Sequence[list[int]], logits: torch.Tensor) -> torch.Tensor:
        batch = RestrictedBatch(vocabulary)
        for index, output in enumerate(outputs):
            batch.put(index, restrictions, prompt, output)
        mask(logits, batch, vocabulary.eos)
        return logits

    return serve


class ModelScorer:
    """Scores the beams of one search after `prompt`, as one batch of `model`."""

    def __init__(self, model: Any, prompt: Sequence[int], serve: ServeLogits, width: int = BEAM_WIDTH) -> None:
        self._model = model
        self._prompt = list(prompt)
        self._serve = serve
        self._candidates = candidates_per_beam(width)
        self._outputs: list[list[int]] = [[]]
        self._cache: Any = None

    @torch.inference_mode()
    def next_tokens(self, extension: Extension) -> list[NextTokens]:
        """Return the likeliest tokens after each beam."""
        tokens = torch.tensor([self._prompt])
        if extension.tokens:
            pairs = zip(extension.parents, extension.tokens, strict=True)
            self._outputs = [[*self._outputs[parent], token] for parent, token in pairs]
            # A copy for each beam: beams that share one would overwrite each other.
            self._cache.batch_select_indices(torch.tensor(extension.parents))
            tokens = torch.tensor(extension.tokens)[:, None]
        result = self._model(input_ids=tokens, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        self._cache = result.past_key_values
        logits = self._serve(self._outputs, result.logits[:, -1].float())
        best = torch.log_softmax(logits, dim=-1).topk(min(self._candidates, logits.shape[-1]))
        listed = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [NextTokens(ids, log_probs) for ids, log_probs in listed]
