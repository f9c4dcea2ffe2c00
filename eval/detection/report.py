"""The detector's measurements as Markdown, and its calibration curve as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from eval.detection.measure import Guess, Measured, Share, over, pooled
from eval.report.svg import Line, chart

BINS = 10


def markdown(measured: Sequence[Measured]) -> str:
    """A section for each measurement: rows of recall by form, then of false positives by set."""
    return "\n".join(line for one in measured for line in _section(one))


def spread(name: str, measured: Sequence[Measured]) -> str:
    """A section for one measurement of several sets of targets: groups over all sets, and each set by itself."""
    lines = [f"## {name}\n", *_tables(pooled(measured)), "", "| set | recall | false positives | cut |"]
    lines += ["| --- | --- | --- | --- |"]
    for number, one in enumerate(measured, start=1):
        lines.append(f"| {number} | {one.over(True).rate:.4f} | {one.over(False).rate:.4f} | {one.cut} |")
    return "\n".join([*lines, ""])


def picture(measured: Sequence[Measured]) -> str:
    """SVG: the share of right guesses over the probability that the detector gave them, ten bins each."""
    even = Line("calibrated", (0.0, 1.0), (0.0, 1.0))
    lines = [_curve(one) for one in measured if one.fitted is not None]
    return chart([even, *lines], "probability given", "share that is right")


def calibration_error(guesses: Sequence[Guess]) -> float:
    """The mean distance of probability and share over ten bins, weighed by their guesses."""
    given, right = _arrays(guesses)
    return sum(
        float(inside.mean()) * abs(float(given[inside].mean()) - float(right[inside].mean()))
        for inside in _bins(given)
    )


def _section(one: Measured) -> Iterable[str]:
    how = "trained classifier" if one.fitted else "without training"
    yield f"## {one.material}: {how}\n"
    yield f"Cut at {one.cut}; calibration error {calibration_error(one.guesses):.3f}."
    if one.fitted:
        fitted = one.fitted
        yield (
            f"Trained in {one.seconds:.0f} s of processor time, embedding included, on {fitted.examples} examples "
            f"and {fitted.kept} texts to be answered; held out: recall {fitted.recall:.3f}, false positives "
            f"{fitted.false_positives:.4f}."
        )
    yield ""
    yield from _tables(one.shares)
    yield ""


def _tables(shares: Sequence[Share]) -> Iterable[str]:
    yield from _table("about a target", "recall", [share for share in shares if share.about])
    yield ""
    yield from _table("to be answered", "false positives", [share for share in shares if not share.about])


def _table(kind: str, rate: str, shares: Sequence[Share]) -> Iterable[str]:
    yield f"| {kind} | texts | {rate} |\n| --- | --- | --- |"
    for share in (*shares, over(shares)):
        yield f"| {share.group} | {share.texts} | {share.rate:.4f} |"


def _curve(one: Measured) -> Line:
    given, right = _arrays(one.guesses)
    bins = _bins(given)
    return Line(
        one.material.split(",")[0],
        [float(given[inside].mean()) for inside in bins],
        [float(right[inside].mean()) for inside in bins],
    )


def _arrays(guesses: Sequence[Guess]) -> tuple[np.ndarray, np.ndarray]:
    # A name gives certainty by rule, not by weighing: it would hide the curve at its end.
    weighed = [guess for guess in guesses if guess.probability < 1.0]
    return np.array([g.probability for g in weighed]), np.array([g.right for g in weighed], float)


def _bins(given: np.ndarray) -> list[np.ndarray]:
    place = np.minimum((given * BINS).astype(int), BINS - 1)
    return [inside for number in range(BINS) if (inside := place == number).any()]
