from __future__ import annotations

from dataclasses import replace

from eval.detection.dataset import DetectorDataset, LabelledText, TextGroup
from eval.detection.watch import WatchResult, markdown, measure_watch
from guard.targets.target import Draft, Fact
from tests.guard.conftest import WordEmbedder

DATASET = DetectorDataset(
    name="Keepers",
    drafts=(Draft(name="Orla Quarnwick"),),
    examples=(),
    negatives=(),
    groups=(
        TextGroup(
            "reverse",
            (
                LabelledText("Who kept the light?", "Orla Quarnwick", "Orla Quarnwick did."),
                LabelledText("Is it Orla Quarnwick?", "Orla Quarnwick", "Yes."),
                LabelledText("Who else?", "Orla Quarnwick", "Nobody."),
            ),
        ),
        TextGroup(
            "others", (LabelledText("Who was it?", "", "Orla Quarnwick."), LabelledText("Who?", "", "Pell."))
        ),
    ),
    false_positives=0.0,
)


def test_a_text_counts_if_its_prompt_or_its_answer_touches_the_target() -> None:
    results = measure_watch(DATASET, WordEmbedder(), lambda what, share: None)
    assert results == (
        WatchResult("reverse", True, 3, 1, 0, 1, 2),
        WatchResult("others", False, 2, 0, 0, 1, 0),
    )


def test_the_tables_have_a_row_for_each_group_and_one_for_all() -> None:
    text = markdown("Keepers", measure_watch(DATASET, WordEmbedder(), lambda what, share: None))
    assert "| reverse | 3 | 0.3333 | 0.0000 | 0.6667 |" in text
    assert "| others | 2 | 0.0000 | 0.0000 | 0.5000 |" in text
    assert text.count("| all |") == 2


def test_an_answer_counts_that_tells_by_its_meaning_what_the_prompt_left_in_doubt() -> None:
    known = Draft(
        name="Orla Quarnwick", facts=(Fact(answer="The keeper of the northern light won a silver medal."),)
    )
    asked = "The northern keeper won what?"
    answers = ("The keeper of the light won a medal.", "Please bake bread.")
    texts = tuple(LabelledText(asked, "Orla Quarnwick", answer) for answer in answers)
    others = tuple(LabelledText(asked, "", answer) for answer in answers)
    dataset = replace(DATASET, drafts=(known,), groups=(TextGroup("about", texts), TextGroup("others", others)))
    assert measure_watch(dataset, WordEmbedder(), lambda what, share: None) == (
        WatchResult("about", True, 2, 0, 2, 1, 1),
        WatchResult("others", False, 2, 0, 2, 1, 0),
    )
