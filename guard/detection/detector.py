"""The detector: which forget targets a conversation touches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from guard.deobfuscation.readings import deobfuscate
from guard.detection.calibration import COSINE_THRESHOLD, Calibration, Signals, cosine_calibration
from guard.detection.classifier import Classifier
from guard.detection.deadline import Deadline
from guard.detection.embedder import MAX_CALL_TEXTS, Embedder, Vectors
from guard.detection.lookup import Lookup
from guard.detection.target_texts import target_texts
from guard.errors import RequestRefused
from guard.targets.target import Mode
from guard.text.conversation import Message, message_windows

MAX_WINDOWS = 2_048
"""A conversation of more windows (some 100,000 words) is refused: if only a part were read, the rest could hide
the question."""


class TouchedBy(StrEnum):
    """What touched a target: the conversation that was sent, or what the answer to it says."""

    QUESTION = "question"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Match:
    """A target that is touched: how probably, why, the form of the nearest target text, and by what."""

    target_id: str
    score: float
    signals: Signals
    mode: Mode
    form: str = ""
    touched_by: TouchedBy = TouchedBy.QUESTION


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was found in a conversation: the targets named, those named in part or by phrases, and the vectors of
    its windows."""

    named: frozenset[str]
    parts: dict[str, float]
    phrases: dict[str, float]
    vectors: Vectors


class ConversationTooLong(RequestRefused):
    """A conversation of more windows than are examined."""

    code = "context_length_exceeded"


class Detector:
    """Finds the contextual targets that a conversation touches, by name, by part of a name and by meaning.

    `threshold` is the cosine that suffices by itself; a part of a name lowers it. A `classifier` replaces that
    rule for the targets it was trained on. Raises ModelUnavailable when the classifier was trained on the vectors
    of another embedder.
    """

    def __init__(
        self, embedder: Embedder, threshold: float = COSINE_THRESHOLD, classifier: Classifier | None = None
    ) -> None:
        if classifier is not None:
            classifier.belongs_to(embedder.name)
        self._embedder = embedder
        self._threshold = threshold
        self._calibration = cosine_calibration(threshold)
        self._classifier = classifier

    def detect(
        self, lookup: Lookup, conversation: Sequence[Message], deadline: Deadline | None = None
    ) -> tuple[Match, ...]:
        """Return the matches of the whole conversation, in whatever roles, best first.

        Obfuscated texts are read under every reading of `deobfuscate`. Nothing is embedded if no target is
        contextual. A name split between two messages is found. Raises ConversationTooLong when the
        conversation has more than MAX_WINDOWS windows, and DetectionTimeout when `deadline` passes.
        """
        return self.matching(self.scored(lookup, conversation, deadline))

    def matching(self, scored: Sequence[Match]) -> tuple[Match, ...]:
        """Return those whose score is high enough to match."""
        return tuple(match for match in scored if self._calibration_of(match.target_id).cut <= match.score)

    def scored(
        self, lookup: Lookup, conversation: Sequence[Message], deadline: Deadline | None = None
    ) -> tuple[Match, ...]:
        """Return every target with any evidence, best first, including those too improbable to match.

        Raises as `detect` does.
        """
        if not lookup.has_contextual:
            return ()
        evidence = self._evidence(lookup, conversation, deadline or Deadline())
        # Only a name, a part of one, a phrase, a near target text or a vote of the classifier can reach the cut.
        near = lookup.index.near(evidence.vectors, self._threshold)
        votes = self._classifier.votes(evidence.vectors) if self._classifier else {}
        trained = {target for target in votes if target in lookup.index}
        candidates = evidence.named | evidence.parts.keys() | evidence.phrases.keys() | near.keys() | trained
        matches = (self._match(lookup, evidence, target) for target in candidates)
        return tuple(sorted(matches, key=lambda match: (-match.score, match.target_id)))

    def _evidence(self, lookup: Lookup, conversation: Sequence[Message], deadline: Deadline) -> _Evidence:
        windows: dict[str, None] = {}
        # Counted before anything is decoded: what is too long costs no more than that.
        for message in conversation:
            deadline.check()
            windows |= dict.fromkeys(message_windows(message.text))
            _check_length(windows)
        joined = "\n".join(message.text for message in conversation)
        named = lookup.named(joined) | lookup.holding(joined)
        parts = lookup.names.parts(joined)
        phrases = lookup.phrases.weights(joined)
        for message in conversation:
            for reading in deobfuscate(message.text):
                deadline.check()
                named |= lookup.named(reading.text, short=reading.is_language)
                if reading.is_language:
                    named |= lookup.holding(reading.text)
                    parts |= lookup.names.parts(reading.text)
                    phrases = _greatest(phrases, lookup.phrases.weights(reading.text))
                    windows |= dict.fromkeys(message_windows(reading.text))
                    _check_length(windows)
        return _Evidence(named, parts, phrases, self._embed(list(windows), deadline))

    def _embed(self, texts: list[str], deadline: Deadline) -> Vectors:
        # Texts of similar length share a batch, which costs what its longest text costs.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        parts: list[Vectors] = []
        for start in range(0, len(order), MAX_CALL_TEXTS):
            deadline.check()
            parts.append(self._embedder.embed([texts[place] for place in order[start : start + MAX_CALL_TEXTS]]))
        return np.concatenate(parts)[np.argsort(order)] if parts else self._embedder.embed([])

    def _match(self, lookup: Lookup, evidence: _Evidence, target: str) -> Match:
        nearest = lookup.index.nearest(evidence.vectors, target)
        signals = Signals(
            float(target in evidence.named),
            nearest.cosine,
            evidence.parts.get(target, 0.0),
            phrases=evidence.phrases.get(target, 0.0),
        )
        if self._classifier is not None and target in self._classifier and target in lookup.index:
            signals = self._classifier.signals(signals, evidence.vectors, target, lookup.index.vectors(target))
        known = lookup.targets[target]
        texts = target_texts(known)
        form = texts[nearest.row].form if 0 <= nearest.row < len(texts) else ""
        score = self._calibration_of(target).probability(signals)
        return Match(target, score, signals, known.draft.mode, form)

    def _calibration_of(self, target: str) -> Calibration:
        trained = self._classifier is not None and target in self._classifier
        return self._classifier.calibration if self._classifier and trained else self._calibration


def _greatest(first: dict[str, float], second: dict[str, float]) -> dict[str, float]:
    return {target: max(first.get(target, 0.0), second.get(target, 0.0)) for target in first | second}


def _check_length(windows: Collection[str]) -> None:
    if len(windows) > MAX_WINDOWS:
        raise ConversationTooLong("The request is longer than can be examined. Please reduce its length.")
