from __future__ import annotations

from random import Random

from eval.reference_models.dataset import TrainingExample, make_batches


def test_answers_have_full_weight_prompts_a_part_and_padding_none() -> None:
    long, short = TrainingExample((5, 6), (7, 8)), TrainingExample((5,), (9,))
    (batch,) = make_batches([short, long], 100, 0.25, Random(0))
    rows = {tuple(row) for row in batch.weights.tolist()}
    assert rows == {(0.25, 1.0, 1.0), (1.0, 0.0, 0.0)}
    assert batch.tokens == 4
    assert int(batch.inputs.min()) == 0
