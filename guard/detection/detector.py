"""The detector: which forget targets a conversation touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guard.detection.calibration import THRESHOLD, Calibration, Signals, by_cosine
from guard.detection.classifier import Classifier
from guard.detection.embedder import Embedder, Vectors
from guard.detection.target_texts import rows_of
from guard.errors import RequestRefused
from guard.policy.policy import Policy
from guard.targets.target import Mode
from guard.text.conversation import Message, readings
from guard.text.deobfuscation import decoded

__all__ = ["THRESHOLD", "Detector", "Match", "Signals"]

MOST_WINDOWS = 2_048
"""A conversation of more windows (some 100,000 words) is refused: read in part, it could hide what it asks."""


@dataclass(frozen=True, slots=True)
class Match:
    """A target that a conversation touches: how probably, why, and the form of the row that came nearest."""

    target_id: str
    score: float
    signals: Signals
    mode: Mode
    form: str = ""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What was read of a conversation: targets named and partly named, and the vectors of its windows."""

    named: frozenset[str]
    parts: dict[str, float]
    vectors: Vectors


class Detector:
    """Finds the contextual targets that a conversation touches, by name, by part of a name and by meaning.

    `threshold` is the cosine that decides by itself; a part of a name lowers it. A `classifier` replaces that rule
    for the targets it was trained on. Raises ModelUnavailable when the classifier was trained on the vectors of
    another embedder.
    """

    def __init__(
        self, embedder: Embedder, threshold: float = THRESHOLD, classifier: Classifier | None = None
    ) -> None:
        if classifier is not None:
            classifier.belongs_to(embedder.name)
        self._embedder = embedder
        self._threshold = threshold
        self._calibration = by_cosine(threshold)
        self._classifier = classifier

    def detect(self, policy: Policy, conversation: Sequence[Message]) -> tuple[Match, ...]:
        """Return the matches of the whole conversation, whatever the roles, best first.

        Disguised texts are read under every reading that `decoded` gives. Nothing is embedded when the policy has
        no contextual target. A name split between two messages is found. Raises RequestRefused when the
        conversation has more than MOST_WINDOWS windows.
        """
        return self.touching(self.weighed(policy, conversation))

    def touching(self, weighed: Sequence[Match]) -> tuple[Match, ...]:
        """Return those that are probable enough to match."""
        return tuple(match for match in weighed if self._calibration_of(match.target_id).cut <= match.score)

    def weighed(self, policy: Policy, conversation: Sequence[Message]) -> tuple[Match, ...]:
        """Return every target that there is any sign of, as `detect` does, also those too improbable to match."""
        if not policy.has_contextual:
            return ()
        heard = self._heard(policy, conversation)
        # Whatever can reach the cut has a name, a part of one, a near row, or the classifier's word.
        near = policy.index.near(heard.vectors, self._threshold)
        told = self._classifier.told(heard.vectors) if self._classifier else {}
        trained = {target for target in told if target in policy.index}
        candidates = heard.named | heard.parts.keys() | near.keys() | trained
        matches = (self._match(policy, heard, target) for target in candidates)
        return tuple(sorted(matches, key=lambda match: (-match.score, match.target_id)))

    def _heard(self, policy: Policy, conversation: Sequence[Message]) -> _Heard:
        joined = "\n".join(message.text for message in conversation)
        named = policy.names.found(joined)
        parts = policy.names.parts(joined)
        read = dict.fromkeys(window for message in conversation for window in readings(message.text))
        for message in conversation:
            for reading in decoded(message.text):
                named |= policy.names.found(reading.text, whole=reading.language)
                if reading.language:
                    parts |= policy.names.parts(reading.text)
                    read |= dict.fromkeys(readings(reading.text))
        if len(read) > MOST_WINDOWS:
            raise RequestRefused("The conversation is longer than can be examined.", field="messages")
        return _Heard(named, parts, self._embedder.embed(list(read)))

    def _match(self, policy: Policy, heard: _Heard, target: str) -> Match:
        nearest = policy.index.nearest(heard.vectors, target)
        signals = Signals(float(target in heard.named), nearest.cosine, heard.parts.get(target, 0.0))
        if self._classifier is not None and target in self._classifier:
            signals = self._classifier.signals(signals, heard.vectors, target, policy.index.vectors(target))
        known = policy.targets[target]
        rows = rows_of(known)
        form = rows[nearest.row].form if 0 <= nearest.row < len(rows) else ""
        score = self._calibration_of(target).probability(signals)
        return Match(target, score, signals, known.draft.mode, form)

    def _calibration_of(self, target: str) -> Calibration:
        trained = self._classifier is not None and target in self._classifier
        return self._classifier.calibration if self._classifier and trained else self._calibration
