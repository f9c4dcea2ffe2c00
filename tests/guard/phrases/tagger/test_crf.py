"""The conditional random field: probabilities of labels, as if every sequence of labels were summed."""

from __future__ import annotations

import random
from itertools import pairwise, product
from math import exp

import pytest

from guard.phrases.tagger.crf import FIELDS, LABELS, Likelihood, Model, marginals, trained
from guard.phrases.tagger.features import TokenFeatures, own_name

NO_STEPS = [[[0.0] * LABELS] * LABELS] * FIELDS


def drawn(seed: int, tokens: int) -> tuple[list[list[float]], list[list[float]]]:
    draw = random.Random(seed)
    scores = [[draw.gauss(0, 2) for _ in range(LABELS)] for _ in range(tokens)]
    return scores, [[draw.gauss(0, 2) for _ in range(LABELS)] for _ in range(LABELS)]


def summed(scores: list[list[float]], transitions: list[list[float]]) -> list[list[float]]:
    totals = [[0.0] * LABELS for _ in scores]
    for labels in product(range(LABELS), repeat=len(scores)):
        score = sum(row[label] for row, label in zip(scores, labels, strict=True))
        score += sum(transitions[first][second] for first, second in pairwise(labels))
        for at, label in enumerate(labels):
            totals[at][label] += exp(score)
    return [[value / sum(row) for value in row] for row in totals]


@pytest.mark.parametrize("tokens", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_marginals_are_those_of_all_sequences_of_labels(seed: int, tokens: int) -> None:
    scores, transitions = drawn(seed, tokens)
    for row, expected in zip(marginals(scores, transitions), summed(scores, transitions), strict=True):
        assert row == pytest.approx(expected)


def test_a_feature_weighs_in_its_language_in_its_group_and_in_all() -> None:
    model = Model({"f": [0, 1, 0] * 2, "cased:f": [0, 1, 0] * 2, "pl:f": [0, 1, 0] * 2, "ru:f": [9] * 6}, NO_STEPS)
    rows = [TokenFeatures(["f"], [], [])]
    for language, weight in (("pl", 3), ("en", 2), ("th", 1)):
        (found,) = model.likelihoods(rows, language)
        assert found.begins == pytest.approx(exp(weight) / (exp(weight) + 2))


def test_a_likelihood_is_the_mean_of_both_fields() -> None:
    model = Model({"f": [0.0, 50.0, 0.0, 50.0, 0.0, 0.0]}, NO_STEPS)
    (found,) = model.likelihoods([TokenFeatures(["f"], [], [])], "en")
    assert found == pytest.approx(Likelihood(0.5, 0.0))
    assert found.tells == pytest.approx(0.5)


def test_names_in_training_are_those_of_the_language_or_group_or_none() -> None:
    row = TokenFeatures(["s"], ["w"], ["a"])
    names = row.named("pl")
    assert names == ["bias", "s", "w", "cased:s", "cased:w", "pl:s", "pl:a"]
    assert [own_name(name, "pl") for name in names] == ["bias", "s", "w", "s", "w", "s", "a"]
    assert own_name("ko:s", "pl") is None
    assert own_name("word=:|x", "pl") == "word=:|x"


def test_the_shipped_model_looks_at_rules_in_its_first_field_alone() -> None:
    model = trained()
    assert all(len(row) == FIELDS * LABELS for row in model.weights.values())
    assert any(model.weights["rule"][:LABELS])
    assert not any(model.weights["rule"][LABELS:])
