"""Measures the serving detector on a dataset: what it finds, and what it stops that should be answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from eval.detection.dataset import DetectorDataset, TextGroup
from eval.methods.detector_gate import open_gate
from guard.detection.classifier import Classifier
from guard.detection.detector import Detector
from guard.detection.embedder import Embedder
from guard.detection.training import DetectorExample, FitProgress, FittedClassifier, examples_of, fit
from guard.policy.policy import Policy
from guard.text.conversation import Message


class GroupResult(NamedTuple):
    """The outcome of one group: for how many texts their target matched (any target, if not `about`)."""

    group: str
    about: bool
    texts: int
    matched: int

    @property
    def rate(self) -> float:
        """Return the share that matched."""
        return self.matched / self.texts


class TargetScore(NamedTuple):
    """The probability of the best target for a text, and whether the text is about that target."""

    probability: float
    correct: bool


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """The outcome of one dataset under one detector.

    threshold  the detector's threshold, in words
    fitted     the trained classifier; None without training
    seconds    processor time of the training
    """

    dataset: str
    results: tuple[GroupResult, ...]
    scores: tuple[TargetScore, ...]
    threshold: str
    fitted: FittedClassifier | None = None
    seconds: float = 0.0

    def total(self, about: bool) -> GroupResult:
        """Return the sum of the groups about targets, or of the other groups."""
        return total([result for result in self.results if result.about is about])


def total(results: Sequence[GroupResult]) -> GroupResult:
    """Return the sum of groups. There must be at least one, and all of one kind."""
    return GroupResult("all", results[0].about, sum(r.texts for r in results), sum(r.matched for r in results))


def pool_groups(outcomes: Sequence[DetectorResult]) -> tuple[GroupResult, ...]:
    """Return each group summed over several outcomes, in the order of first appearance."""
    texts: Counter[tuple[str, bool]] = Counter()
    matched: Counter[tuple[str, bool]] = Counter()
    for result in (result for outcome in outcomes for result in outcome.results):
        texts[result.group, result.about] += result.texts
        matched[result.group, result.about] += result.matched
    return tuple(GroupResult(*group, count, matched[group]) for group, count in texts.items())


def measure(
    dataset: DetectorDataset, embedder: Embedder, *, trained: bool, progress: FitProgress
) -> DetectorResult:
    """Compile the targets as a server does, train if `trained`, and run the detector on every text."""
    with TemporaryDirectory() as folder, open_gate(dataset.drafts, embedder, Path(folder)) as gate:
        if not trained:
            return _result(dataset, gate.policy, Detector(embedder), progress)
        began = time.process_time()
        fitted = _fit(dataset, gate.policy, embedder, progress)
        seconds = time.process_time() - began
        detector = Detector(embedder, classifier=fitted.classifier)
        return _result(dataset, gate.policy, detector, progress, fitted, seconds)


def _fit(dataset: DetectorDataset, policy: Policy, embedder: Embedder, progress: FitProgress) -> FittedClassifier:
    ids = {target.draft.name: target.id for target in policy.targets.values()}
    targets = list(policy.targets.values())
    examples = [
        *examples_of(targets),
        *(DetectorExample(ids[one.target], one.text, (one.text,)) for one in dataset.examples),
    ]
    return fit(
        embedder, targets, examples, dataset.negatives, false_positives=dataset.false_positives, progress=progress
    )


def _result(
    dataset: DetectorDataset,
    policy: Policy,
    detector: Detector,
    progress: FitProgress,
    fitted: FittedClassifier | None = None,
    seconds: float = 0.0,
) -> DetectorResult:
    names = {target.id: target.draft.name for target in policy.targets.values()}
    threshold = _threshold_text(fitted.classifier if fitted else None)
    results: list[GroupResult] = []
    scores: list[TargetScore] = []
    for number, group in enumerate(dataset.groups):
        progress(group.name, number / len(dataset.groups))
        matched, found = _match_texts(group, policy, detector, names)
        results.append(GroupResult(group.name, group.about, len(group.texts), matched))
        scores += found
    return DetectorResult(dataset.name, tuple(results), tuple(scores), threshold, fitted, seconds)


def _match_texts(
    group: TextGroup, policy: Policy, detector: Detector, names: dict[str, str]
) -> tuple[int, Sequence[TargetScore]]:
    matched = 0
    scores: list[TargetScore] = []
    for labelled in group.texts:
        scored = detector.scored(policy.lookup, [Message("user", labelled.text)])
        touched = {names[match.target_id] for match in detector.matching(scored)}
        matched += labelled.target in touched if labelled.target else bool(touched)
        if scored:
            scores.append(TargetScore(scored[0].score, names[scored[0].target_id] == labelled.target))
    return matched, scores


def _threshold_text(classifier: Classifier | None) -> str:
    if classifier is None:
        from guard.detection.calibration import COSINE_THRESHOLD

        return f"cosine {COSINE_THRESHOLD}"
    return f"probability {classifier.calibration.cut:.3f}"
