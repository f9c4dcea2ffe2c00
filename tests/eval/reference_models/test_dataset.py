from __future__ import annotations

from eval.reference_models.dataset import TrainingExample
from serving.small_llama.batches import Encoded


def test_an_answer_has_full_weight_and_its_prompt_a_part() -> None:
    encoded = TrainingExample((5, 6), (7, 8)).encoded(0.25)
    assert encoded == Encoded((5, 6, 7, 8), [0.25, 0.25, 1.0, 1.0])
