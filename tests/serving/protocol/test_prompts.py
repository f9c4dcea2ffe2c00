from __future__ import annotations

from typing import Any

import pytest

from serving.protocol.prompts import Prompts, UnreadablePrompt, read_prompts


def test_each_of_the_four_shapes_is_read() -> None:
    assert read_prompts("a") == Prompts(("a",))
    assert read_prompts(["a", "b"]) == Prompts(("a", "b"))
    assert read_prompts([1, 2]) == Prompts(rows=((1, 2),))
    assert read_prompts([[1], [2, 3]]) == Prompts(rows=((1,), (2, 3)))
    assert read_prompts(None) == Prompts()


@pytest.mark.parametrize(
    "prompt",
    [
        [1.0, 4.0],
        [1.0, 4],
        [1, 5.0],
        [True, 4],
        [1, False],
        ["1", 4],
        [[1.0, 4.0]],
        [[1, 4], [5.0]],
        [["1", "4"]],
        [[True]],
        [1, None],
        [-1],
        [1, [2]],
        [[1], 2],
        ["a", [5]],
        [[5], "a"],
        ["a", None],
        [],
        [[]],
        [[5], []],
        [[[1]]],
        {"a": 1},
        {},
        5,
        1.0,
        True,
    ],
)
def test_any_other_shape_is_refused_whatever_the_engine_would_make_of_it(prompt: Any) -> None:
    with pytest.raises(UnreadablePrompt) as caught:
        read_prompts(prompt)
    assert caught.value.field == "prompt"
