"""Memorisation under teacher forcing, as open-unlearning measures it.

Both functions take the labelled tokens of a sample, end-of-sequence token included, with the model's most
likely token at each; the last label is left out of the score. Where no end-of-sequence token was appended
(MUSE) that drops a token of the text, as in the reference.
"""

from __future__ import annotations

from collections.abc import Sequence


def _matches(predicted: Sequence[int], labels: Sequence[int]) -> list[bool]:
    if len(predicted) != len(labels):
        raise ValueError("one predicted token for each label is needed")
    return [guess == label for guess, label in zip(predicted, labels, strict=True)][:-1]


def exact_memorization(predicted: Sequence[int], labels: Sequence[int]) -> float | None:
    """Return the share of labels that are predicted; None, which is not averaged, where no label is left."""
    matches = _matches(predicted, labels)
    return sum(matches) / len(matches) if matches else None


def extraction_strength(predicted: Sequence[int], labels: Sequence[int]) -> float:
    """Return 1 - k/n for the shortest prefix k after which all n-k labels are predicted.

    The reference's search stops at k = n-1 whether or not that last label is predicted, so the floor is 1/n,
    never 0; only a sample without labels scores 0.
    """
    matches = _matches(predicted, labels)
    if not matches:
        return 0.0
    prefix = len(matches) - 1
    if matches[-1]:
        while prefix > 0 and matches[prefix - 1]:
            prefix -= 1
    return 1 - prefix / len(matches)
