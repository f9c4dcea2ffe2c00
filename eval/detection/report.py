"""The detector's outcomes as Markdown, and its calibration curve as an SVG chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from eval.detection.measure import DetectorResult, GroupResult, TargetScore, pool_groups, total
from eval.report.svg import Line, chart

CALIBRATION_BINS = 10


def markdown(outcomes: Sequence[DetectorResult]) -> str:
    """Return a section for each outcome: recall by form, then false positives by set."""
    return "\n".join(line for outcome in outcomes for line in _section(outcome))


def sets_section(name: str, outcomes: Sequence[DetectorResult]) -> str:
    """Return one section for several sets of targets: groups summed over all sets, and each set by itself."""
    lines = [f"## {name}\n", *_tables(pool_groups(outcomes)), "", "| set | recall | false positives | cut |"]
    lines += ["| --- | --- | --- | --- |"]
    for number, outcome in enumerate(outcomes, start=1):
        recall, false_positives = outcome.total(True).rate, outcome.total(False).rate
        lines.append(f"| {number} | {recall:.4f} | {false_positives:.4f} | {outcome.threshold} |")
    return "\n".join([*lines, ""])


def calibration_chart(outcomes: Sequence[DetectorResult]) -> str:
    """Return an SVG chart of the share of correct predictions over their probability, in ten bins."""
    diagonal = Line("calibrated", (0.0, 1.0), (0.0, 1.0))
    lines = [_curve(outcome) for outcome in outcomes if outcome.fitted is not None]
    return chart([diagonal, *lines], "probability given", "share that is right")


def calibration_error(scores: Sequence[TargetScore]) -> float:
    """Return the expected calibration error: mean |probability - share correct| over ten bins, by their sizes."""
    given, correct = _arrays(scores)
    return sum(
        float(inside.mean()) * abs(float(given[inside].mean()) - float(correct[inside].mean()))
        for inside in _bins(given)
    )


def _section(outcome: DetectorResult) -> Iterable[str]:
    how = "trained classifier" if outcome.fitted else "without training"
    yield f"## {outcome.dataset}: {how}\n"
    yield f"Cut at {outcome.threshold}; calibration error {calibration_error(outcome.scores):.3f}."
    if outcome.fitted:
        fitted = outcome.fitted
        yield (
            f"Trained in {outcome.seconds:.0f} s of processor time, embedding included, on {fitted.examples}"
            f" examples and {fitted.negatives} texts to be answered; held out: recall {fitted.recall:.3f}, false"
            f" positives {fitted.false_positives:.4f}."
        )
    yield ""
    yield from _tables(outcome.results)
    yield ""


def _tables(results: Sequence[GroupResult]) -> Iterable[str]:
    yield from _table("about a target", "recall", [result for result in results if result.about])
    yield ""
    yield from _table("to be answered", "false positives", [result for result in results if not result.about])


def _table(kind: str, rate: str, results: Sequence[GroupResult]) -> Iterable[str]:
    yield f"| {kind} | texts | {rate} |\n| --- | --- | --- |"
    for result in (*results, total(results)):
        yield f"| {result.group} | {result.texts} | {result.rate:.4f} |"


def _curve(outcome: DetectorResult) -> Line:
    given, correct = _arrays(outcome.scores)
    bins = _bins(given)
    return Line(
        outcome.dataset.split(",")[0],
        [float(given[inside].mean()) for inside in bins],
        [float(correct[inside].mean()) for inside in bins],
    )


def _arrays(scores: Sequence[TargetScore]) -> tuple[np.ndarray, np.ndarray]:
    # A name is certain by rule and not by the classifier: it would hide the end of the curve.
    classified = [score for score in scores if score.probability < 1.0]
    return np.array([s.probability for s in classified]), np.array([s.correct for s in classified], float)


def _bins(given: np.ndarray) -> list[np.ndarray]:
    bin_index = np.minimum((given * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [inside for number in range(CALIBRATION_BINS) if (inside := bin_index == number).any()]
