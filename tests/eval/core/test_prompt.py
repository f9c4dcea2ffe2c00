from __future__ import annotations

from collections.abc import Callable

from eval.core.prompt import Decoding, Prompt
from eval.core.runner import Generation, generate_by_decoding


def test_answers_keep_the_order_of_their_prompts_and_each_generator_is_called_once() -> None:
    seen: list[list[str]] = []

    def way(name: str) -> Callable[[list[Prompt]], list[Generation]]:
        def say(prompts: list[Prompt]) -> list[Generation]:
            seen.append([prompt.text for prompt in prompts])
            return [Generation(f"{name} {prompt.text}", ()) for prompt in prompts]

        return say

    prompts = [
        Prompt("a"),
        Prompt("b", decoding=Decoding.BEAM),
        Prompt("c"),
        Prompt("d", decoding=Decoding.BACKTRACK),
    ]
    said = generate_by_decoding(prompts, {decoding: way(decoding) for decoding in Decoding})
    assert [answer.text for answer in said] == ["greedy a", "beam b", "greedy c", "backtrack d"]
    assert sorted(seen) == [["a", "c"], ["b"], ["d"]]
