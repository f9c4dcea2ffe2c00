"""Conditional random field: how likely each token is the first of what tells, or goes on with it."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import exp
from typing import NamedTuple

from guard.phrases.tagger.features import TokenFeatures, own_name

WEIGHTS = "weights.json.xz"
"""The trained model, by `lethe phrases train`: six weights of each feature, for three labels of two fields."""
FIELDS, LABELS = 2, 3

Transitions = Sequence[Sequence[float]]
"""Weights of one label after another: a row for each first one, a column for each second."""


class Likelihood(NamedTuple):
    """How likely a token is the first of a phrase that tells, and a further one."""

    begins: float
    goes_on: float

    @property
    def tells(self) -> float:
        """How likely the token is in a phrase that tells."""
        return self.begins + self.goes_on


class Model:
    """Two fields over the labels outside, begins and goes on: the first looks at what the rules have found, the
    second does not, as rules and what learns to trust them err in the same places.

    weights      of each feature, as it is named in training: three of the first field, three of the second
    transitions  of each field
    """

    def __init__(self, weights: Mapping[str, Sequence[float]], transitions: Sequence[Transitions]) -> None:
        self.weights = weights
        self.transitions = transitions
        self._of_language: dict[str, dict[str, tuple[float, ...]]] = {}

    def likelihoods(self, rows: Sequence[TokenFeatures], language: str) -> list[Likelihood]:
        """Return the likelihoods of the tokens that have these features: the mean of both fields."""
        scores = self._scores(rows, language)
        fields = [
            marginals([score[field * LABELS : (field + 1) * LABELS] for score in scores], transitions)
            for field, transitions in enumerate(self.transitions)
        ]
        return [
            Likelihood(sum(label[1] for label in labels) / FIELDS, sum(label[2] for label in labels) / FIELDS)
            for labels in zip(*fields, strict=True)
        ]

    def _scores(self, rows: Sequence[TokenFeatures], language: str) -> list[list[float]]:
        weights = self._weights_in(language)
        bias = weights.get("bias", (0.0,) * FIELDS * LABELS)
        scores: list[list[float]] = []
        for row in rows:
            known = [more for names in row for name in names if (more := weights.get(name)) is not None]
            scores.append([*map(sum, zip(bias, *known, strict=True))])
        return scores

    def _weights_in(self, language: str) -> dict[str, tuple[float, ...]]:
        """Return the weights of each feature in a language: its own, those of its group and those of all."""
        if language not in self._of_language:
            sums: dict[str, tuple[float, ...]] = {}
            for name, weights in self.weights.items():
                if (own := own_name(name, language)) is not None:
                    before = sums.get(own)
                    sums[own] = tuple(map(sum, zip(before, weights, strict=True))) if before else tuple(weights)
            self._of_language[language] = sums
        return self._of_language[language]


def marginals(scores: Sequence[Sequence[float]], transitions: Transitions) -> list[list[float]]:
    """Return the probability of each label for each token, by the forward-backward algorithm.

    scores  of each label for each token, in logarithms
    """
    states = [_normal([exp(value - max(score)) for value in score]) for score in scores]
    steps = [[exp(weight) for weight in row] for row in transitions]
    columns = [*zip(*steps, strict=True)]
    forward: list[list[float]] = []
    for state in states:
        before = [_dot(forward[-1], column) for column in columns] if forward else [1.0] * LABELS
        forward.append(_normal([*map(float.__mul__, before, state)]))
    backward = [1.0] * LABELS
    found: list[list[float]] = []
    for at in range(len(states) - 1, -1, -1):
        found.append(_normal([*map(float.__mul__, forward[at], backward)]))
        after = [*map(float.__mul__, states[at], backward)]
        backward = _normal([_dot(after, row) for row in steps])
    return found[::-1]


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return first[0] * second[0] + first[1] * second[1] + first[2] * second[2]


def _normal(values: list[float]) -> list[float]:
    total = sum(values)
    return [value / total for value in values]


@cache
def trained() -> Model:
    """Return the trained model; read on first use."""
    data = json.loads(lzma.decompress(files("guard.phrases.tagger").joinpath(WEIGHTS).read_bytes()))
    unit = data["unit"]
    weights = {name: [unit * weight for weight in row] for name, row in data["weights"].items()}
    return Model(weights, data["transitions"])
