"""ROUGE as TOFU, MUSE and WPU compute it: the rouge_score package, gold text first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer


class Rouge(NamedTuple):
    """The three numbers the benchmarks use, named as open-unlearning names them."""

    rouge1_recall: float
    rougeL_f1: float  # noqa: N815
    rougeL_recall: float  # noqa: N815


@cache
def _scorer(stemmer: bool) -> RougeScorer:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rougeL"], use_stemmer=stemmer)


def rouge(gold: str, generated: str, *, stemmer: bool) -> Rouge:
    """Return ROUGE of a generated text.

    TOFU and WPU: `rougeL_recall`, stemmer on. MUSE: `rougeL_f1`, stemmer off in the authors' code and on in
    open-unlearning's.
    """
    scores = _scorer(stemmer).score(gold, generated)
    return Rouge(scores["rouge1"].recall, scores["rougeL"].fmeasure, scores["rougeL"].recall)


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
    """Return distinct words in longest common subsequences of all sentence pairs, over distinct reference words.

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
