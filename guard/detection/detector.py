"""The detector: which forget targets a conversation touches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from heapq import nlargest
from itertools import chain
from typing import NamedTuple

import numpy as np

from guard.deobfuscation.readings import deobfuscate
from guard.detection.calibration import (
    ANSWERED_NAME_COSINE,
    COSINE_THRESHOLD,
    MIN_DOUBT,
    Calibration,
    Signals,
    cosine_calibration,
    doubt_cosine,
)
from guard.detection.classifier import Classifier
from guard.detection.deadline import Deadline, check_length
from guard.detection.embedder import MAX_CALL_TEXTS, Embedder, Vectors
from guard.detection.lookup import Lookup
from guard.detection.namesakes import MAX_TARGETS, about_others, answers_about_namesake
from guard.detection.target_texts import target_texts
from guard.targets.target import Mode
from guard.text.conversation import Message, message_windows, windows

Unnamed = Callable[[], None]

MAX_DOUBTS = 4
"""Targets in doubt of one conversation, the likeliest."""


class TouchedBy(StrEnum):
    """What touched a target: the conversation that was sent, or what the answer to it says."""

    QUESTION = "question"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Match:
    """A target, how probably and why it is touched, its nearest text's form, by what, if without a namesake."""

    target_id: str
    score: float
    signals: Signals
    mode: Mode
    form: str = ""
    touched_by: TouchedBy = TouchedBy.QUESTION
    namesake: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A target that a conversation may be about, without enough to match: what the answer says decides.

    text   the window of the conversation that comes nearest to it
    match  what speaks for it so far
    """

    match: Match
    text: str = field(repr=False)


class Examination(NamedTuple):
    """What a conversation touches, and what is in doubt, each best first; and of whom it only names a namesake."""

    matches: tuple[Match, ...]
    doubts: tuple[Doubt, ...]
    namesakes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was found in a conversation: the targets named, those named in part or by phrases, its windows and
    their vectors."""

    named: frozenset[str]
    parts: dict[str, float]
    phrases: dict[str, float]
    windows: tuple[str, ...] = field(repr=False)
    vectors: Vectors


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
        self._answered = cosine_calibration(threshold, ANSWERED_NAME_COSINE)
        self._classifier = classifier
        # As many as the embedder encodes texts of together.
        self._threads = ThreadPoolExecutor(MAX_CALL_TEXTS, thread_name_prefix="meaning")

    def detect(
        self, lookup: Lookup, conversation: Sequence[Message], deadline: Deadline | None = None
    ) -> tuple[Match, ...]:
        """Return the matches of the whole conversation, in whatever roles, best first.

        Obfuscated texts are read under every reading of `deobfuscate`. Nothing is embedded if no target is
        contextual. A name split between two messages is found. Raises ConversationTooLong when the
        conversation has more than MAX_WINDOWS windows, and DetectionTimeout when `deadline` passes.
        """
        return self.examine(lookup, conversation, deadline).matches

    def examine(
        self,
        lookup: Lookup,
        conversation: Sequence[Message],
        deadline: Deadline | None = None,
        unnamed: Unnamed | None = None,
    ) -> Examination:
        """Return the matches, as `detect` does, and the MAX_DOUBTS likeliest of the targets in doubt.

        `unnamed` is called before the meaning is known, if words alone (names, their parts, phrases, values) of
        the texts as they stand say nothing of any target. Raises as `detect` does.
        """
        if not lookup.has_contextual:
            return Examination((), ())
        deadline = deadline or Deadline()
        evidence = self._evidence(lookup, conversation, deadline, unnamed)
        scored = self._told_apart(lookup, conversation, self._scored(lookup, evidence, MAX_DOUBTS), deadline)
        matches = self.matching(scored)
        touched = {match.target_id for match in matches}
        untouched = [one for one in scored if one.target_id not in touched]
        unsure = (one for one in untouched if one.score >= MIN_DOUBT and not one.namesake)
        doubts = [Doubt(one, _nearest_window(lookup, evidence, one.target_id)) for one in unsure]
        namesakes = tuple(one.target_id for one in untouched if one.namesake)
        return Examination(matches, tuple(doubts[:MAX_DOUBTS]), namesakes)

    def answered(self, lookup: Lookup, doubts: Sequence[Doubt], said: str) -> tuple[Match, ...]:
        """Return the targets in doubt that match with `said`, a sentence of the answer, read after the question.

        Their words are embedded together, and their phrases add up; of the parts of names, the more telling one
        counts. `lookup` must be that of the doubts.
        """
        parts = lookup.names.parts(said)
        texts = [windows(f"{doubt.text} {said}") for doubt in doubts]
        vectors = self._embed(list(dict.fromkeys(chain.from_iterable(texts))), Deadline())
        row = {text: number for number, text in enumerate(dict.fromkeys(chain.from_iterable(texts)))}
        found = []
        for doubt, own in zip(doubts, texts, strict=True):
            target, signals = doubt.match.target_id, doubt.match.signals
            evidence = _Evidence(
                frozenset(),
                {target: max(signals.partial, parts.get(target, 0.0))},
                {target: max(signals.phrases, lookup.phrases.weights(f"{doubt.text} {said}").get(target, 0.0))},
                own,
                vectors[[row[text] for text in own]],
            )
            match = self._match(lookup, evidence, target)
            if not self._is_trained(target):
                match = replace(match, score=self._answered.probability(match.signals))
            found.append(replace(match, touched_by=TouchedBy.ANSWER))
        return self.matching(sorted(found, key=_best_first))

    def names_namesake(self, lookup: Lookup, target: str, asked: Sequence[Message], said: Sequence[str]) -> bool:
        """Whether answers to a conversation name a target only as its namesake (guard.detection.namesakes)."""
        return answers_about_namesake(self._embedder, lookup, target, asked, said)

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
        scored = self._scored(lookup, self._evidence(lookup, conversation, deadline or Deadline()))
        return self._told_apart(lookup, conversation, scored, deadline or Deadline())

    def _told_apart(
        self, lookup: Lookup, conversation: Sequence[Message], scored: Sequence[Match], deadline: Deadline
    ) -> tuple[Match, ...]:
        """Return the matches, those of targets with namesakes without what the conversation says of these."""
        matches = {match.target_id: match for match in scored}
        for target in [one for one in matches if lookup.targets[one].draft.distinguish][:MAX_TARGETS]:
            rest = about_others(self._embedder, lookup, target, conversation)
            if rest is not None:
                left = self._evidence(lookup, rest, deadline)
                matches[target] = replace(self._match(lookup, left, target), namesake=True)
        return tuple(sorted(matches.values(), key=_best_first))

    def _scored(self, lookup: Lookup, evidence: _Evidence, only_near: int = 0) -> tuple[Match, ...]:
        """Return the targets with any evidence, and of those that only come near the threshold the nearest."""
        # Only a name, a part of one, a phrase, a near target text or a vote of the classifier can reach the cut.
        nearly = self._threshold - doubt_cosine(lookup.index.rows) if only_near else None
        near = lookup.own(lookup.index.near(evidence.vectors, self._threshold, nearly))
        votes = self._classifier.votes(evidence.vectors) if self._classifier else {}
        trained = {target for target in votes if target in lookup.index and target in lookup.targets}
        candidates = evidence.named | evidence.parts.keys() | evidence.phrases.keys() | trained
        candidates |= {target for target, cosine in near.items() if cosine >= self._threshold}
        candidates |= set(nlargest(only_near, near.keys() - candidates, key=near.__getitem__))
        matches = (self._match(lookup, evidence, target) for target in candidates)
        return tuple(sorted(matches, key=_best_first))

    def _evidence(
        self, lookup: Lookup, conversation: Sequence[Message], deadline: Deadline, unnamed: Unnamed | None = None
    ) -> _Evidence:
        found: dict[str, None] = {}
        # Counted before anything is decoded: what is too long costs no more than that.
        for message in conversation:
            deadline.check()
            found |= dict.fromkeys(message_windows(message.text))
            check_length(found)
        # Encoders leave the interpreter to others, so what the texts say in words is looked up meanwhile.
        plain = self._threads.submit(self._embed, list(found), deadline)
        count = len(found)
        joined = "\n".join(message.text for message in conversation)
        named = lookup.named(joined) | lookup.holding(joined)
        parts = lookup.names.parts(joined)
        phrases = lookup.phrases.weights(joined)
        if unnamed is not None and not (named & lookup.targets.keys() or lookup.own({**parts, **phrases})):
            unnamed()
        for message in conversation:
            for reading in deobfuscate(message.text):
                deadline.check()
                named |= lookup.named(reading.text, short=reading.is_language)
                if reading.is_language:
                    named |= lookup.holding(reading.text)
                    parts |= lookup.names.parts(reading.text)
                    phrases = _greatest(phrases, lookup.phrases.weights(reading.text))
                    found |= dict.fromkeys(message_windows(reading.text))
                    check_length(found)
        named, parts, phrases = named & lookup.targets.keys(), lookup.own(parts), lookup.own(phrases)
        vectors = np.concatenate((plain.result(), self._embed(list(found)[count:], deadline)))
        return _Evidence(named, parts, phrases, tuple(found), vectors)

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
        known, calibration = lookup.targets[target], self._calibration_of(target)
        score = calibration.probability(signals)
        # Its texts are made to be counted: most candidates do not match, and need none.
        texts = target_texts(known) if calibration.cut <= score else ()
        form = texts[nearest.row].form if 0 <= nearest.row < len(texts) else ""
        return Match(target, score, signals, known.draft.mode, form)

    def _is_trained(self, target: str) -> bool:
        return self._classifier is not None and target in self._classifier

    def _calibration_of(self, target: str) -> Calibration:
        return self._classifier.calibration if self._classifier and self._is_trained(target) else self._calibration


def _best_first(match: Match) -> tuple[float, str]:
    return -match.score, match.target_id


def _nearest_window(lookup: Lookup, evidence: _Evidence, target: str) -> str:
    """Return the window that comes nearest to `target`; empty without one, or without a vector of the target."""
    if not evidence.windows or target not in lookup.index:
        return ""
    cosines = (evidence.vectors @ lookup.index.vectors(target).T).max(axis=1)
    return evidence.windows[int(cosines.argmax())]


def _greatest(first: dict[str, float], second: dict[str, float]) -> dict[str, float]:
    return {target: max(first.get(target, 0.0), second.get(target, 0.0)) for target in first | second}
