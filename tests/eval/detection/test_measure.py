from __future__ import annotations

from eval.detection.material import Asked, Group, Material
from eval.detection.measure import Share, measure
from guard.targets.target import Draft, Fact
from tests.guard.conftest import WordEmbedder

PLACES = ("harbour", "lighthouse", "orchard", "mill", "chapel", "quarry", "ferry", "bakery")
ASKED = tuple(Asked(f"Which {place} did the keeper paint one winter?", "Orla Venn") for place in PLACES)
OTHERS = tuple(Asked(f"Is {place} really a long word?", "") for place in PLACES)
MATERIAL = Material(
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
    examples=(Asked("Who was the keeper that painted in winter?", "Orla Venn"),),
    kept=tuple(f"How much does a {place} cost to run?" for place in PLACES),
    groups=(
        Group("reworded", ASKED),
        Group("by name", (Asked("Who is Orla Venn?", "Orla Venn"),)),
        Group("o", OTHERS),
    ),
    false_positives=0.1,
)


def test_a_text_about_a_target_counts_when_its_target_matches_and_another_when_any_does() -> None:
    measured = measure(MATERIAL, WordEmbedder(), trained=False, progress=lambda what, share: None)
    assert measured.shares == (
        Share("reworded", True, 8, 8),
        Share("by name", True, 1, 1),
        Share("o", False, 8, 0),
    )
    assert (measured.fitted, measured.cut) == (None, "cosine 0.75")
    assert any(guess.right and guess.probability == 1.0 for guess in measured.guesses)


def test_a_trained_measurement_tells_its_cut_and_what_it_was_trained_on() -> None:
    measured = measure(MATERIAL, WordEmbedder(), trained=True, progress=lambda what, share: None)
    assert measured.fitted is not None
    assert (measured.fitted.examples, measured.fitted.kept) == (9, 8)
    assert measured.cut == f"probability {measured.fitted.classifier.calibration.cut:.3f}"
    assert measured.over(True).texts == 9
    assert measured.seconds > 0
