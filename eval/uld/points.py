"""What a sweep compares: methods at strengths, and the losses of answers under each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from guard.uld.logit_difference import diverged, log_probabilities, outranked, subtracted
from guard.uld.tokens import UNSCORED, Encoded, pad
from guard.uld.truncated_model import Trunk

Losses = NDArray[np.float64]

_BATCH = 32
# As many rows of logits as stay in a processor's cache.
_ROWS = 128
# What a method forbids has this log-probability here, as in the paper's own evaluation: a loss stays finite.
_FORBIDDEN = -1000.0


class Method(StrEnum):
    """How the served distribution is made."""

    NONE = "none"
    ULD = "uld"
    DD_LINEAR = "dd-linear"
    DD_RANK = "dd-rank"


@dataclass(frozen=True, slots=True)
class Point:
    """A method at a strength: alpha for ULD and DD linear, the number of tokens for DD rank."""

    method: Method
    strength: float = 0.0
    filter_rate: float = 0.0
    assistant: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """The models of a sweep: the target, assistants by digest, and Divergence Decoding's pair if there is one."""

    target: Any
    assistants: Mapping[str, tuple[Trunk, Mapping[str, nn.Parameter]]]
    retain: Any | None
    forget: Any | None
    pinned: torch.Tensor


def losses(
    cast: Cast, points: Sequence[Point], examples: Sequence[Encoded], report: Callable[[float], None]
) -> dict[Point, Losses]:
    """Return for each point the mean -log p of each example's answer, its end included; float64 [examples]."""
    order = sorted(range(len(examples)), key=lambda place: len(examples[place]))
    found = {point: np.zeros(len(examples)) for point in points}
    for first in range(0, len(order), _BATCH):
        places = order[first : first + _BATCH]
        with torch.inference_mode():
            batch = _batch_losses(cast, points, [examples[place] for place in places])
        for point, values in zip(points, batch, strict=True):
            found[point][places] = values.numpy()
        report((first + len(places)) / len(order))
    return found


def serve(cast: Cast, point: Point, log_p: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return log p [rows, width] as a point serves it, of that of the models by name (see `names`)."""
    target = log_p["target"]
    if point.method is Method.ULD:
        return subtracted(target, log_p[point.assistant], point.strength, point.filter_rate, cast.pinned)
    if point.method is Method.DD_LINEAR:
        return diverged(target, log_p["retain"], log_p["forget"], point.strength, cast.pinned)
    if point.method is Method.DD_RANK:
        return outranked(target, log_p["retain"], log_p["forget"], int(point.strength), cast.pinned)
    return target


def names(points: Sequence[Point]) -> set[str]:
    """Return the models that the points need: "target", "retain", "forget", and assistants' digests."""
    needed = {"target"} | {point.assistant for point in points if point.assistant}
    if any(point.method in (Method.DD_LINEAR, Method.DD_RANK) for point in points):
        needed |= {"retain", "forget"}
    return needed


def states(cast: Cast, name: str, tokens: torch.Tensor, **more: Any) -> torch.Tensor:
    """Return the states [rows, length, size] of a model by name."""
    if name in cast.assistants:
        trunk, changes = cast.assistants[name]
        trunk.wear(changes)
        return trunk.hidden(tokens, **more)
    found: torch.Tensor = _of(cast, name).get_decoder()(input_ids=tokens, **more).last_hidden_state
    return found


def shown(cast: Cast, name: str, hidden: torch.Tensor) -> torch.Tensor:
    """Return log p [rows, width] of a model by name, of its states [rows, size]."""
    if name in cast.assistants:
        return log_probabilities(cast.assistants[name][0].logits(hidden))
    return log_probabilities(_of(cast, name).get_output_embeddings()(hidden))


def _of(cast: Cast, name: str) -> Any:
    return {"target": cast.target, "retain": cast.retain, "forget": cast.forget}[name]


def _batch_losses(cast: Cast, points: Sequence[Point], examples: Sequence[Encoded]) -> list[torch.Tensor]:
    tokens, labels = pad(examples)
    scored = labels != UNSCORED
    hidden = {name: states(cast, name, tokens, use_cache=False)[scored] for name in sorted(names(points))}
    wanted = labels[scored][:, None]
    rows = scored.nonzero()[:, 0]
    found = torch.empty(len(points), len(wanted), dtype=torch.float64)
    for first in range(0, len(wanted), _ROWS):
        part = slice(first, first + _ROWS)
        log_p = {name: shown(cast, name, value[part]) for name, value in hidden.items()}
        for number, point in enumerate(points):
            mine = serve(cast, point, log_p).gather(-1, wanted[part])[:, 0]
            found[number, part] = mine.double().clamp_min(_FORBIDDEN)
    counts = scored.sum(1)
    sums = torch.zeros(len(points), len(examples), dtype=torch.float64).index_add_(1, rows, -found)
    return list(sums / counts)
