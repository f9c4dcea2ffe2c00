from __future__ import annotations

from eval.detection.dataset import DetectorDataset, LabelledText, TextGroup
from eval.detection.measure import GroupResult, measure
from guard.targets.target import Draft, Fact
from tests.guard.conftest import WordEmbedder

PLACES = ("harbour", "lighthouse", "orchard", "mill", "chapel", "quarry", "ferry", "bakery")
ASKED = tuple(LabelledText(f"Which {place} did the keeper paint one winter?", "Orla Venn") for place in PLACES)
OTHERS = tuple(LabelledText(f"Is {place} really a long word?", "") for place in PLACES)
DATASET = DetectorDataset(
    name="Keepers",
    drafts=(
        Draft(
            name="Orla Venn",
            facts=tuple(
                Fact(question=f"Which {place} did the keeper paint in winter?", answer="A blue one.")
                for place in PLACES
            ),
        ),
    ),
    examples=(LabelledText("Who was the keeper that painted in winter?", "Orla Venn"),),
    negatives=tuple(f"How much does a {place} cost to run?" for place in PLACES),
    groups=(
        TextGroup("reworded", ASKED),
        TextGroup("by name", (LabelledText("Who is Orla Venn?", "Orla Venn"),)),
        TextGroup("o", OTHERS),
    ),
    false_positives=0.1,
)


def test_a_text_about_a_target_counts_if_that_target_matches_and_any_other_text_if_any_does() -> None:
    outcome = measure(DATASET, WordEmbedder(), trained=False, progress=lambda what, share: None)
    assert outcome.results == (
        GroupResult("reworded", True, 8, 8),
        GroupResult("by name", True, 1, 1),
        GroupResult("o", False, 8, 0),
    )
    assert (outcome.fitted, outcome.threshold) == (None, "cosine 0.75")
    assert any(score.correct and score.probability == 1.0 for score in outcome.scores)


def test_a_trained_outcome_has_its_threshold_and_training_figures() -> None:
    outcome = measure(DATASET, WordEmbedder(), trained=True, progress=lambda what, share: None)
    assert outcome.fitted is not None
    assert (outcome.fitted.examples, outcome.fitted.negatives) == (9, 8)
    assert outcome.threshold == f"probability {outcome.fitted.classifier.calibration.cut:.3f}"
    assert outcome.total(True).texts == 9
    assert outcome.seconds > 0
