"""Approximate matching: a text in which a string occurs with a few characters wrong (Wu and Manber's bitap)."""

from __future__ import annotations

from collections import defaultdict

States = tuple[int, ...]
"""For each number of edits, which beginnings of the string the text ends with, as bits."""


class EditPattern:
    """A folded string that is sought with at most `edits` characters replaced, added or left out. Immutable."""

    def __init__(self, folded: str, edits: int) -> None:
        masks: dict[str, int] = defaultdict(int)
        for at, char in enumerate(folded):
            masks[char] |= 1 << at
        self._masks = dict(masks)
        self._end = 1 << (len(folded) - 1)
        self.start: States = tuple((1 << edit) - 1 for edit in range(edits + 1))
        """The states before the first character of a text."""

    def __repr__(self) -> str:
        return f"EditPattern(edits={len(self.start) - 1})"

    def step(self, before: States, char: str) -> States:
        """Return the states after one more folded character."""
        mask = self._masks.get(char, 0)
        after = [(before[0] << 1 | 1) & mask]
        for edit in range(1, len(before)):
            same = (before[edit] << 1 | 1) & mask
            added, replaced, left_out = before[edit - 1], before[edit - 1] << 1, after[-1] << 1
            after.append(same | added | replaced | left_out | self.start[edit])
        return tuple(after)

    def ends(self, states: States) -> bool:
        """Whether the string ends here, with no more edits than are allowed."""
        return any(state & self._end for state in states)
