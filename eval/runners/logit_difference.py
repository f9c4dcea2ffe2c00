"""Logit difference as a logits rule of the reference, by the pure functions that serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from eval.core.prompt import Prompt
from eval.core.runner import Device
from eval.methods.logit_difference_options import LogitDifferenceOptions
from eval.methods.method import ASSISTED, DIFFERENCES, MethodName
from guard.decoding.vocabulary import Vocabulary
from guard.uld.assistant import Assistant
from guard.uld.assistant_runner import AssistantRunner, RunningSequence
from guard.uld.logit_difference import dd_linear, dd_rank, log_probabilities, uld
from guard.uld.truncated_model import TruncatedModel, context, depth

# A batch of given answers has some hundred rows.
_MAX_CACHE_BYTES = 4 * 2**30


class ExtraModel(NamedTuple):
    """A model that runs next to the target, and the adapter on it."""

    runner: AssistantRunner
    adapter: Mapping[str, nn.Parameter]


Served = Callable[[torch.Tensor, Sequence[torch.Tensor]], torch.Tensor]
"""From log p of the target and of each extra model, [rows, width], to log p as served."""


class Difference:
    """The rule of one method: combines target and extra models in the rows whose prompt names the method."""

    def __init__(self, name: MethodName, models: Sequence[ExtraModel], served: Served) -> None:
        self._name = name
        self._models = models
        self._served = served

    def begin(
        self, prompts: Sequence[Prompt], prompt_ids: Sequence[Sequence[int]], outputs: Sequence[list[int]]
    ) -> _Steps:
        """Start a batch; the extra models read only rows of this method."""
        rows = {
            index: [RunningSequence(ids, output, model.adapter) for model in self._models]
            for index, (prompt, ids, output) in enumerate(zip(prompts, prompt_ids, outputs, strict=True))
            if prompt.difference == self._name
        }
        return _Steps(rows, self._models, self._served)


class _Steps:
    def __init__(
        self, rows: dict[int, list[RunningSequence]], models: Sequence[ExtraModel], served: Served
    ) -> None:
        self._rows = rows
        self._models = models
        self._served = served

    def keep(self, rows: Sequence[int]) -> None:
        self._rows = {new: self._rows[old] for new, old in enumerate(rows) if old in self._rows}

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        if not self._rows:
            return logits
        texts = list(zip(*self._rows.values(), strict=True))
        extra = [
            log_probabilities(model.runner.logits(column))
            for model, column in zip(self._models, texts, strict=True)
        ]
        where = torch.tensor(list(self._rows))
        served = logits.clone()
        served[where] = self._served(log_probabilities(logits[where]), extra)
        return served


def differences(
    methods: Sequence[MethodName], options: LogitDifferenceOptions, target: str, tokenizer: Any, device: Device
) -> list[Difference]:
    """Return the rules of those methods that have one, for the model in `target`; raises ModelUnavailable."""
    if not DIFFERENCES & set(methods):
        return []
    longest = context(target)
    special = Vocabulary.from_tokenizer(tokenizer).special
    rules = []
    if ASSISTED & set(methods):
        rules.append(_uld(options, target, special, longest, device))
    if {MethodName.DD_LINEAR, MethodName.DD_RANK} & set(methods):
        pair = [_whole(folder, longest, device) for folder in (options.dd_retain, options.dd_forget)]
        pinned = _pinned(special, pair[0].runner, device)

        def linear(mine: torch.Tensor, theirs: Sequence[torch.Tensor]) -> torch.Tensor:
            return dd_linear(mine, theirs[0], theirs[1], options.dd_alpha, pinned)

        def rank(mine: torch.Tensor, theirs: Sequence[torch.Tensor]) -> torch.Tensor:
            return dd_rank(mine, theirs[0], theirs[1], options.dd_rank, pinned)

        rules += [Difference(MethodName.DD_LINEAR, pair, linear), Difference(MethodName.DD_RANK, pair, rank)]
    return rules


def _uld(
    options: LogitDifferenceOptions, target: str, special: frozenset[int], longest: int, device: Device
) -> Difference:
    assert options.assistant is not None
    assistant = Assistant.open(options.assistant.parent, options.assistant.name)
    assistant.belongs_to(target)
    manifest = assistant.manifest
    truncated_model = TruncatedModel(target, manifest.layers, torch.float32, device)
    followed = ExtraModel(
        AssistantRunner(truncated_model, longest, _MAX_CACHE_BYTES), truncated_model.load(assistant.tensors())
    )
    pinned = _pinned(special, followed.runner, device)
    alpha = manifest.alpha if options.alpha is None else options.alpha
    rate = manifest.filter_rate if options.filter_rate is None else options.filter_rate

    def served(mine: torch.Tensor, theirs: Sequence[torch.Tensor]) -> torch.Tensor:
        return uld(mine, theirs[0], alpha, rate, pinned)

    return Difference(MethodName.ULD, [followed], served)


def _whole(folder: str, longest: int, device: Device) -> ExtraModel:
    truncated_model = TruncatedModel(folder, depth(folder), torch.float32, device)
    return ExtraModel(AssistantRunner(truncated_model, longest, _MAX_CACHE_BYTES), {})


def _pinned(special: frozenset[int], runner: AssistantRunner, device: Device) -> torch.Tensor:
    pinned = torch.zeros(runner.width, dtype=torch.bool, device=device)
    pinned[sorted(special)] = True
    return pinned
