"""An automaton without some of its phrases finds the others, and nothing else."""

from __future__ import annotations

from itertools import combinations

from guard.matching.automaton import Automaton
from guard.matching.subset import without


def test_phrases_can_be_left_out() -> None:
    phrases = ["Vell", "Vellmarsh", "marsh", "Eve", "Orla Quarn"]
    whole = Automaton.forbidding(phrases)
    text = "Vellmarsh, Eve and Orla Quarn"
    for count in range(len(phrases) + 1):
        for left_out in combinations(range(len(phrases)), count):
            expected = [found for found in whole.matches(text) if found.phrase not in left_out]
            assert without(whole, left_out).matches(text) == expected
