"""The detector that serves, on what is asked: what it finds, and what it stops that should be answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from eval.detection.material import Group, Material
from eval.methods.detector_gate import open_gate
from guard.detection.classifier import Classifier
from guard.detection.detector import Detector
from guard.detection.embedder import Embedder
from guard.detection.training import Example, Fitted, Progress, examples_of, fit
from guard.policy.policy import Policy
from guard.text.conversation import Message


class Share(NamedTuple):
    """How many texts of a group there are, and for how many their target matched, or any if they have none."""

    group: str
    about: bool
    texts: int
    matched: int

    @property
    def rate(self) -> float:
        """The share that matched."""
        return self.matched / self.texts


class Guess(NamedTuple):
    """The best target's probability for a text, and whether the text is about it."""

    probability: float
    right: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """One material under one detector; `fitted` is None without training, `seconds` processor time of training."""

    material: str
    shares: tuple[Share, ...]
    guesses: tuple[Guess, ...]
    cut: str
    fitted: Fitted | None = None
    seconds: float = 0.0

    def over(self, about: bool) -> Share:
        """The groups about targets, or the others, as one."""
        return over([share for share in self.shares if share.about is about])


def over(shares: Sequence[Share]) -> Share:
    """Return groups, at least one and all of a kind, as one."""
    return Share("all", shares[0].about, sum(s.texts for s in shares), sum(s.matched for s in shares))


def pooled(measured: Sequence[Measured]) -> tuple[Share, ...]:
    """Return the groups of several measurements, each group's texts together, in the order they first come in."""
    texts: Counter[tuple[str, bool]] = Counter()
    matched: Counter[tuple[str, bool]] = Counter()
    for share in (share for one in measured for share in one.shares):
        texts[share.group, share.about] += share.texts
        matched[share.group, share.about] += share.matched
    return tuple(Share(*group, count, matched[group]) for group, count in texts.items())


def measure(material: Material, embedder: Embedder, *, trained: bool, progress: Progress) -> Measured:
    """Compile the targets as a server does, train where asked, and put every text to the detector."""
    with TemporaryDirectory() as folder, open_gate(material.drafts, embedder, Path(folder)) as gate:
        if not trained:
            return _measured(material, gate.policy, Detector(embedder), progress)
        began = time.process_time()
        fitted = _fitted(material, gate.policy, embedder, progress)
        seconds = time.process_time() - began
        detector = Detector(embedder, classifier=fitted.classifier)
        return _measured(material, gate.policy, detector, progress, fitted, seconds)


def _fitted(material: Material, policy: Policy, embedder: Embedder, progress: Progress) -> Fitted:
    ids = {target.draft.name: target.id for target in policy.targets.values()}
    targets = list(policy.targets.values())
    examples = [
        *examples_of(targets),
        *(Example(ids[one.target], one.text, (one.text,)) for one in material.examples),
    ]
    return fit(
        embedder, targets, examples, material.kept, false_positives=material.false_positives, progress=progress
    )


def _measured(
    material: Material,
    policy: Policy,
    detector: Detector,
    progress: Progress,
    fitted: Fitted | None = None,
    seconds: float = 0.0,
) -> Measured:
    names = {target.id: target.draft.name for target in policy.targets.values()}
    cut = _cut(fitted.classifier if fitted else None)
    shares: list[Share] = []
    guesses: list[Guess] = []
    for number, group in enumerate(material.groups):
        progress(group.name, number / len(material.groups))
        matched, found = _put(group, policy, detector, names)
        shares.append(Share(group.name, group.about, len(group.asked), matched))
        guesses += found
    return Measured(material.name, tuple(shares), tuple(guesses), cut, fitted, seconds)


def _put(group: Group, policy: Policy, detector: Detector, names: dict[str, str]) -> tuple[int, Sequence[Guess]]:
    matched = 0
    guesses: list[Guess] = []
    for asked in group.asked:
        weighed = detector.weighed(policy, [Message("user", asked.text)])
        touched = {names[match.target_id] for match in detector.touching(weighed)}
        matched += asked.target in touched if asked.target else bool(touched)
        if weighed:
            guesses.append(Guess(weighed[0].score, names[weighed[0].target_id] == asked.target))
    return matched, guesses


def _cut(classifier: Classifier | None) -> str:
    if classifier is None:
        from guard.detection.detector import THRESHOLD

        return f"cosine {THRESHOLD}"
    return f"probability {classifier.calibration.cut:.3f}"
