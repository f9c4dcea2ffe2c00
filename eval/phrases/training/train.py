"""Trains the tagger, and estimates how well it does on a set by an author that it has learnt nothing of."""

from __future__ import annotations

import json
import lzma
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eval.phrases.labelled_facts import TUNED_ON, Split
from eval.phrases.measure import Outcome, outcome_of
from eval.phrases.training.examples import LABELS, Example, further, of_split
from guard.phrases.tagger.crf import Model
from guard.phrases.tagger.features import is_of_rules
from guard.phrases.tagger.review import reviewed
from guard.text.language import language_of

_PARAMETERS = {"c1": 0.1, "c2": 1.0, "max_iterations": 30, "feature.possible_transitions": True}
"""Of L-BFGS, with an elastic net: c1 leaves most features without a weight, c2 keeps weights small."""
UNIT, MIN_WEIGHT = 0.01, 0.1
"""Weights are multiples of the first; features that have only smaller ones than the second are left out."""


class _Trained(NamedTuple):
    states: dict[tuple[str, str], float]
    transitions: dict[tuple[str, str], float]


def train(examples: Sequence[Example]) -> Model:
    """Return a model of two fields, trained with and without what rules have found in the examples."""
    fields = [_field(examples, with_rules=True), _field(examples, with_rules=False)]
    weights: dict[str, list[float]] = {}
    for name in sorted({name for field in fields for name, _ in field.states}):
        row = [field.states.get((name, label), 0.0) for field in fields for label in LABELS]
        if max(map(abs, row)) >= MIN_WEIGHT:
            weights[name] = [round(weight / UNIT) * UNIT for weight in row]
    transitions = [
        [[round(field.transitions.get((first, second), 0.0), 3) for second in LABELS] for first in LABELS]
        for field in fields
    ]
    return Model(weights, transitions)


def _field(examples: Sequence[Example], *, with_rules: bool) -> _Trained:
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    for one in examples:
        rows = [[name for name in row if with_rules or not is_of_rules(name)] for row in one.features]
        trainer.append(rows, one.labels)
    trainer.set_params(_PARAMETERS)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "field")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        info = tagger.info()
        tagger.close()
    return _Trained(dict(info.state_features), dict(info.transitions))


def every_example(without: Split | None = None) -> list[Example]:
    """Return all examples but those of one set."""
    return [*further(), *(one for split in TUNED_ON if split is not without for one in of_split(split))]


def estimate(split: Split) -> tuple[list[Outcome], list[Outcome]]:
    """Return how the rules of its day did on a set, and how they do with a tagger that has not learnt from it."""
    model = train(every_example(without=split))
    examples = of_split(split)
    rules = [outcome_of(one.fact, [phrase.text for phrase in one.found]) for one in examples]
    both = []
    for one in examples:
        found = reviewed(one.fact.text, language_of(one.fact.text), one.found, model)
        both.append(outcome_of(one.fact, [phrase.text for phrase in found]))
    return rules, both


def write(model: Model, path: Path) -> None:
    """Write the model as `guard.phrases.tagger.crf` reads it."""
    weights = {name: [round(weight / UNIT) for weight in row] for name, row in model.weights.items()}
    data = {"unit": UNIT, "transitions": model.transitions, "weights": weights}
    path.write_bytes(lzma.compress(json.dumps(data, ensure_ascii=False).encode(), preset=9))
