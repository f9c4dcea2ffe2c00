"""Compares two runs of one replay: identical texts, and differences of log-probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eval.core.errors import BadRun
from eval.core.sample import ANSWER_LOG_PROBS, Sample
from eval.report.compare import Side

LOSSES = ("loss", "loss_paraphrase", "losses_perturbed")


@dataclass(slots=True)
class Agreement:
    """One run on both sides.

    texts, same       answers that both have, and how many of them are identical
    token_difference  largest difference of log p of a token of an identical answer, over `tokens` tokens
    given_difference  largest difference of the average log p of a given answer's tokens, over `answers` answers;
                      infinite where an answer is impossible on one side alone
    """

    run: str
    texts: int = 0
    same: int = 0
    tokens: int = 0
    token_difference: float = 0.0
    answers: int = 0
    given_difference: float = 0.0


def agreement(a: Side, b: Side) -> list[Agreement]:
    """Return every run that both sides have; raises BadRun when they share no sample."""
    found: dict[str, Agreement] = {}
    for key in a.samples.keys() & b.samples.keys():
        if key.run == (a.run or key.run) == (b.run or key.run):
            _add(found.setdefault(key.run, Agreement(key.run)), a.samples[key], b.samples[key])
    if not found:
        raise BadRun("the two have no samples in common")
    return sorted(found.values(), key=lambda row: row.run)


def table(rows: Sequence[Agreement]) -> str:
    """Return the agreements as Markdown."""
    head = ["run", "identical answers", "their tokens", "largest difference of log p"]
    head += ["given answers", "largest difference of average log p"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in rows:
        token = f"{row.token_difference:.1e}" if row.tokens else "—"
        given = f"{row.given_difference:.1e}" if row.answers else "—"
        cells = [row.run, f"{row.same} of {row.texts}", row.tokens, token, row.answers, given]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _add(row: Agreement, a: Sample, b: Sample) -> None:
    if a.text is not None and b.text is not None:
        row.texts += 1
        row.same += a.text == b.text
    mine, other = a.numbers(ANSWER_LOG_PROBS), b.numbers(ANSWER_LOG_PROBS)
    if a.text == b.text and mine and other and len(mine) == len(other):
        row.tokens += len(mine)
        row.token_difference = max(row.token_difference, _apart(mine, other))
    mine, other = tuple(_losses(a)), tuple(_losses(b))
    if mine and len(mine) == len(other):
        row.answers += len(mine)
        row.given_difference = max(row.given_difference, _apart(mine, other))


def _losses(sample: Sample) -> Iterator[float]:
    for name in LOSSES:
        value = sample.values.get(name, ())
        yield from value if isinstance(value, tuple) else (value,)


def _apart(mine: Sequence[float], other: Sequence[float]) -> float:
    left, right = np.array(mine), np.array(other)
    both = np.isinf(left) & np.isinf(right)
    return float(np.abs(left[~both] - right[~both]).max(initial=0.0))
