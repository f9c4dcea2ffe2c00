"""ROUGE-L recall as RWKU computes it: the semantics of the `rouge` package 1.0.1, not of rouge_score.

Sentences end at every full stop, words at every space, case counts, nothing is stemmed, and what is counted are
distinct words: "The Golden Snitch" against "the Golden Snitch" is 2/3.
"""

from __future__ import annotations

from collections.abc import Sequence


def _sentences(text: str) -> list[list[str]]:
    # A part of white space only stays, as one empty word: the package counts it, so we do.
    return [" ".join(part.split()).split(" ") for part in text.split(".") if part]


def _lengths(x: Sequence[str], y: Sequence[str]) -> list[list[int]]:
    table = [[0] * (len(y) + 1) for _ in range(len(x) + 1)]
    for i, word in enumerate(x, 1):
        for j, other in enumerate(y, 1):
            same = word == other
            table[i][j] = table[i - 1][j - 1] + 1 if same else max(table[i - 1][j], table[i][j - 1])
    return table


def _common(x: Sequence[str], y: Sequence[str]) -> set[str]:
    # Of several longest subsequences the package's own is taken: on a tie it drops a word of y.
    table = _lengths(x, y)
    words: set[str] = set()
    i, j = len(x), len(y)
    while i and j:
        if x[i - 1] == y[j - 1]:
            words.add(x[i - 1])
            i, j = i - 1, j - 1
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return words


def rouge_words_recall(reference: str, hypothesis: str) -> float:
    """Distinct words in the longest common subsequences of all pairs of sentences, over distinct reference words.

    Raises ValueError where either text is empty or holds full stops only, as the package does.
    """
    wanted, given = _sentences(reference), _sentences(hypothesis)
    if not wanted or not given:
        raise ValueError("a text without a sentence cannot be scored")
    found: set[str] = set()
    for sentence in wanted:
        for answer in given:
            found |= _common(sentence, answer)
    return len(found) / len({word for sentence in wanted for word in sentence})
