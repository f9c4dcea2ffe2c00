"""The settings that a sweep compares, and the losses of answers under each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from guard.uld.logit_difference import dd_linear, dd_rank, log_probabilities, uld
from guard.uld.tokens import UNSCORED, EncodedExample, pad
from guard.uld.truncated_model import TruncatedModel

Losses = NDArray[np.float64]

_BATCH_EXAMPLES = 32
# As many rows of logits as stay in a processor's cache.
_LOGIT_ROWS = 128
# The log-probability of a token that a method forbids, as in the paper's own evaluation: a loss stays finite.
_FORBIDDEN_LOG_P = -1000.0


class DifferenceMethod(StrEnum):
    """How the served distribution is made from those of the models."""

    NONE = "none"
    ULD = "uld"
    DD_LINEAR = "dd-linear"
    DD_RANK = "dd-rank"


@dataclass(frozen=True, slots=True)
class GridSetting:
    """A method at one strength: alpha for ULD and DD linear, the number of tokens for DD rank.

    assistants  digests of ULD's assistants, of whose log-probabilities the mean is subtracted; none for the others
    gate        least probability of their likeliest token; where it is lower, nothing is subtracted at that token
    """

    method: DifferenceMethod
    strength: float = 0.0
    filter_rate: float = 0.0
    assistants: tuple[str, ...] = ()
    gate: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ModelSet:
    """The loaded models: the target, assistants by digest, and Divergence Decoding's pair if there is one.

    pinned  bool [vocabulary]: tokens that keep the target's own probability
    """

    target: Any
    assistants: Mapping[str, tuple[TruncatedModel, Mapping[str, nn.Parameter]]]
    retain: Any | None
    forget: Any | None
    pinned: torch.Tensor


def answer_losses(
    models: ModelSet,
    settings: Sequence[GridSetting],
    examples: Sequence[EncodedExample],
    progress: Callable[[float], None],
) -> dict[GridSetting, Losses]:
    """Return for each setting the mean -log p of each example's answer, its end included; float64 [examples]."""
    order = sorted(range(len(examples)), key=lambda index: len(examples[index]))
    losses = {setting: np.zeros(len(examples)) for setting in settings}
    for first in range(0, len(order), _BATCH_EXAMPLES):
        indices = order[first : first + _BATCH_EXAMPLES]
        with torch.inference_mode():
            batch = _batch_losses(models, settings, [examples[index] for index in indices])
        for setting, values in zip(settings, batch, strict=True):
            losses[setting][indices] = values.cpu().numpy()
        progress((first + len(indices)) / len(order))
    return losses


def served_log_probs(models: ModelSet, setting: GridSetting, log_p: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return log p [rows, width] as `setting` serves it, from the models' log p by name (see `models_needed`)."""
    target = log_p["target"]
    if setting.method is DifferenceMethod.ULD:
        known = log_probabilities(torch.stack([log_p[one] for one in setting.assistants]).mean(0))
        served = uld(target, known, setting.strength, setting.filter_rate, models.pinned)
        return torch.where(known.amax(-1, keepdim=True).exp() >= setting.gate, served, target)
    if setting.method is DifferenceMethod.DD_LINEAR:
        return dd_linear(target, log_p["retain"], log_p["forget"], setting.strength, models.pinned)
    if setting.method is DifferenceMethod.DD_RANK:
        return dd_rank(target, log_p["retain"], log_p["forget"], int(setting.strength), models.pinned)
    return target


def models_needed(settings: Sequence[GridSetting]) -> set[str]:
    """Return the names of the models that the settings need: "target", "retain", "forget", assistants' digests."""
    needed = {"target"} | {one for setting in settings for one in setting.assistants}
    if any(setting.method in (DifferenceMethod.DD_LINEAR, DifferenceMethod.DD_RANK) for setting in settings):
        needed |= {"retain", "forget"}
    return needed


def hidden_states(models: ModelSet, name: str, tokens: torch.Tensor, **options: Any) -> torch.Tensor:
    """Return the last hidden states [rows, length, size] of the model called `name`."""
    if name in models.assistants:
        truncated_model, adapter = models.assistants[name]
        truncated_model.activate(adapter)
        return truncated_model.hidden(tokens, **options)
    states: torch.Tensor = _model(models, name).get_decoder()(input_ids=tokens, **options).last_hidden_state
    return states


def model_log_probs(models: ModelSet, name: str, hidden: torch.Tensor) -> torch.Tensor:
    """Return log p [rows, width] of the model called `name`, given its hidden states [rows, size]."""
    if name in models.assistants:
        return log_probabilities(models.assistants[name][0].logits(hidden))
    return log_probabilities(_model(models, name).get_output_embeddings()(hidden))


def _model(models: ModelSet, name: str) -> Any:
    return {"target": models.target, "retain": models.retain, "forget": models.forget}[name]


def _batch_losses(
    models: ModelSet, settings: Sequence[GridSetting], examples: Sequence[EncodedExample]
) -> list[torch.Tensor]:
    tokens, labels = pad(examples)
    scored = labels != UNSCORED
    names = sorted(models_needed(settings))
    hidden = {name: hidden_states(models, name, tokens, use_cache=False)[scored] for name in names}
    answer_tokens = labels[scored][:, None]
    example_of_token = scored.nonzero()[:, 0]
    token_log_p = torch.empty(len(settings), len(answer_tokens), dtype=torch.float64)
    for first in range(0, len(answer_tokens), _LOGIT_ROWS):
        rows = slice(first, first + _LOGIT_ROWS)
        log_p = {name: model_log_probs(models, name, states[rows]) for name, states in hidden.items()}
        for number, setting in enumerate(settings):
            served = served_log_probs(models, setting, log_p).gather(-1, answer_tokens[rows])[:, 0]
            token_log_p[number, rows] = served.double().clamp_min(_FORBIDDEN_LOG_P)
    counts = scored.sum(1)
    sums = torch.zeros(len(settings), len(examples), dtype=torch.float64)
    return list(sums.index_add_(1, example_of_token, -token_log_p) / counts)
