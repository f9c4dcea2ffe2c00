from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from serving.small_llama.batches import Encoded, make_batches

EXAMPLES = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0.0, 0.25, 1.0])), min_size=2, max_size=9).map(
        lambda tokens: Encoded([token for token, _ in tokens], [weight for _, weight in tokens])
    ),
    max_size=9,
)


@given(EXAMPLES, st.integers(1, 40))
def test_batches_hold_every_example_once_and_padding_has_no_weight(examples: list[Encoded], limit: int) -> None:
    batches = make_batches(examples, limit, Random(0))
    found = [
        ([inputs[0], *(target for target in targets if target >= 0)], weights)
        for batch in batches
        for inputs, targets, weights in zip(
            batch.inputs.tolist(), batch.targets.tolist(), batch.weights.tolist(), strict=True
        )
    ]
    assert sorted(ids for ids, _ in found) == sorted(list(each.ids) for each in examples)
    assert sum(sum(weights) for _, weights in found) == sum(sum(each.weights[1:]) for each in examples)
    assert sum(batch.tokens for batch in batches) == sum(len(each) - 1 for each in examples)
    assert all(int(batch.inputs.min()) >= 0 for batch in batches)


@given(EXAMPLES, st.integers(1, 40))
def test_a_batch_holds_no_more_than_so_many_tokens_or_one_example(examples: list[Encoded], limit: int) -> None:
    for batch in make_batches(examples, limit, Random(0)):
        rows, length = batch.inputs.shape
        assert rows == 1 or rows * (length + 1) <= limit
