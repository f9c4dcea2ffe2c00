from __future__ import annotations

from collections.abc import Callable

from eval.core.ask import Ask, Decoding, Said, each_its_way


def test_answers_keep_the_order_of_their_asks_and_each_way_is_asked_once() -> None:
    seen: list[list[str]] = []

    def way(name: str) -> Callable[[list[Ask]], list[Said]]:
        def say(asks: list[Ask]) -> list[Said]:
            seen.append([ask.text for ask in asks])
            return [Said(f"{name} {ask.text}", ()) for ask in asks]

        return say

    asks = [Ask("a"), Ask("b", decoding=Decoding.BEAM), Ask("c"), Ask("d", decoding=Decoding.REWIND)]
    said = each_its_way(asks, {decoding: way(decoding) for decoding in Decoding})
    assert [answer.text for answer in said] == ["greedy a", "beam b", "greedy c", "rewind d"]
    assert sorted(seen) == [["a", "c"], ["b"], ["d"]]
