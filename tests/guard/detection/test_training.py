from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from guard.detection import training as fitting
from guard.detection.calibration import Signals
from guard.detection.training import DetectorExample, FittedClassifier, examples_of, fit
from guard.errors import InvalidTarget
from guard.targets.target import Draft, Fact, ForgetTarget, State
from tests.guard.conftest import WordEmbedder

PLACES = ("harbour", "lighthouse", "orchard", "mill", "chapel", "quarry", "ferry", "bakery")
FORGET = [f"Which {place} did the keeper paint in winter?" for place in PLACES]
KEEP = [f"How much does a {place} cost to run?" for place in PLACES] + [
    f"Is {place} a long word?" for place in PLACES
]


def target(name: str, questions: list[str], id: str = "ft_1") -> ForgetTarget:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    facts = tuple(Fact(question=question, answer="A blue one.") for question in questions)
    draft = Draft(name=name, facts=facts)
    return ForgetTarget(
        id=id, draft=draft, state=State.ACTIVE, revision=1, forbidden=(), created_at=now, updated_at=now
    )


VENN = target("Orla Venn", FORGET)


@pytest.fixture(scope="module")
def fitted() -> Iterator[FittedClassifier]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "EPOCHS", 30)
        targets = [VENN, target("Pell Dross", [], "ft_2")]
        yield fit(WordEmbedder(), targets, examples_of([VENN]), KEEP, false_positives=0.1)


def test_a_fact_is_an_example_of_its_question_answer_and_both() -> None:
    (example,) = examples_of([target("Orla Venn", ["Where?"])])
    assert example == DetectorExample("ft_1", "Where?", ("Where?", "Where? A blue one.", "A blue one."))
    (plain,) = examples_of(
        [
            ForgetTarget(
                id="ft_3",
                draft=Draft(name="Orla", facts=(Fact(answer="She sings."),)),
                state=State.ACTIVE,
                revision=1,
                forbidden=(),
                created_at=VENN.created_at,
                updated_at=VENN.created_at,
            )
        ]
    )
    assert plain.question == "She sings."


def test_only_targets_with_examples_are_classes(fitted: FittedClassifier, embedder: Any) -> None:
    assert fitted.classifier.targets == ("ft_1",)
    assert (fitted.examples, fitted.negatives) == (len(FORGET), len(KEEP))
    fitted.classifier.belongs_to(embedder.name)


def test_unseen_texts_are_told_apart(fitted: FittedClassifier, embedder: Any) -> None:
    unseen = embedder.embed(["which windmill did the keeper paint in winter?", "is windmill a long word?"])
    about, kept = fitted.classifier.log_odds(unseen)[:, 0]
    assert about > 0 > kept


def test_the_cut_lets_no_more_pass_than_was_allowed(fitted: FittedClassifier) -> None:
    assert fitted.false_positives <= 0.1
    assert fitted.recall >= 0.8
    assert 0.0 < fitted.classifier.calibration.cut < 1.0


def test_similarity_counts_for_a_target(fitted: FittedClassifier) -> None:
    calibration = fitted.classifier.calibration
    near, far = Signals(0.0, 0.9, 0.0, 0.5, 4.0), Signals(0.0, 0.1, 0.0, -0.5, -4.0)
    assert calibration.probability(near) > calibration.cut > calibration.probability(far)


def test_the_same_seed_makes_the_same_classifier(fitted: FittedClassifier, embedder: Any) -> None:
    again = fit(embedder, [VENN], examples_of([VENN]), KEEP, false_positives=0.1)
    assert again.classifier.calibration == fitted.classifier.calibration
    assert np.array_equal(again.classifier.layers[0].weight, fitted.classifier.layers[0].weight)


@pytest.mark.parametrize(("asked", "kept"), [(FORGET[:5], KEEP), (FORGET, KEEP[:5])])
def test_too_few_examples_are_refused(embedder: Any, asked: list[str], kept: list[str]) -> None:
    few = target("Orla Venn", asked)
    with pytest.raises(InvalidTarget, match="needs 6 examples"):
        fit(embedder, [few], examples_of([few]), kept)
