"""The deterministic audit: which forget targets a text leaks, found without a model call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from agents.prompts.exchange import TargetSummary, summary_of
from guard.deobfuscation.readings import Reading, deobfuscate
from guard.detection.embedder import Embedder, Vectors
from guard.matching.automaton import Automaton
from guard.matching.patterns import Exemption
from guard.policy.exemptions import exemptions
from guard.policy.policy import Policy
from guard.targets.passages import enforced
from guard.targets.phrases import NAMED_KINDS
from guard.targets.target import ForgetTarget, Mode, Scope
from guard.text.conversation import windows
from guard.text.normalise import fold

MIN_COSINE = 0.70
"""The cosine from which a sentence counts as leaking a target's facts, measured with all-MiniLM-L6-v2 on TOFU by
`lethe alu audit`; docs/alu.md has the table."""

# Cosine thresholds that find_nearest() tries in turn, so that it rarely lists a large index completely.
_NEAREST_COSINES = (0.6, 0.45, 0.3, 0.15, -1.0)
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*|\S")


class Signal(StrEnum):
    """How a leak was found: by a name or alias, a forbidden phrase, or the meaning of a sentence."""

    NAME = "name"
    PHRASE = "phrase"
    MEANING = "meaning"


@dataclass(frozen=True, slots=True)
class Leak:
    """A target that a text leaks, and the strongest signal of it."""

    subject: TargetSummary
    signal: Signal


class Audit(Protocol):
    """Finds leaks of a text, and the targets nearest to it. Thread-safe."""

    def find_leaks(self, text: str, subjects: Sequence[TargetSummary] = ()) -> tuple[Leak, ...]: ...

    def find_nearest(self, texts: Sequence[str], limit: int) -> tuple[TargetSummary, ...]: ...


class PolicyAudit:
    """The audit under one policy snapshot. Shadow targets are never found.

    The text is read as it is, folded, and deobfuscated (`guard.deobfuscation`). It leaks a target if it names
    it (persons, works and secrets), if one of its sentences has a cosine of at least `min_cosine` to a name,
    question, fact or passage of the target, if it contains one of its phrases of scope `always`, or any of its
    forbidden phrases if the target is among `subjects`, those that the conversation touches. Values of the
    target's classes (all IBANs, say) count as its phrases do.
    """

    def __init__(self, policy: Policy, embedder: Embedder, min_cosine: float = MIN_COSINE) -> None:
        self._policy = policy
        self._embedder = embedder
        self._min_cosine = min_cosine

    def find_leaks(self, text: str, subjects: Sequence[TargetSummary] = ()) -> tuple[Leak, ...]:
        """Return the targets that `text` leaks, each once."""
        found: dict[str, Signal] = {}
        readings = (Reading(text, True), *deobfuscate(text))
        for target in self._enforced(self._named(readings)):
            if target.draft.kind in NAMED_KINDS:
                found[target.id] = Signal.NAME
        literal: list[str] = []
        for reading in readings:
            literal += self._always(reading.text)
            # Digits that a cipher has changed have right check digits by chance.
            if reading.is_language:
                literal += self._policy.lookup.holding(reading.text, self._with_classes(subjects))
            literal += (subject.id for subject in subjects if self._phrase_of(subject, reading.text))
        distinct = dict.fromkeys(
            sentence for reading in readings if reading.is_language for sentence in sentences(reading.text)
        )
        near = self._near(list(distinct), self._min_cosine)
        for ids, signal in ((literal, Signal.PHRASE), (near, Signal.MEANING)):
            for target in self._enforced(ids):
                found.setdefault(target.id, signal)
        return tuple(Leak(summary_of(self._policy.targets[target]), signal) for target, signal in found.items())

    def find_nearest(self, texts: Sequence[str], limit: int) -> tuple[TargetSummary, ...]:
        """Return up to `limit` targets: those named in `texts`, then by cosine, best first."""
        named = dict.fromkeys(sorted(self._policy.lookup.named("\n".join(texts))), 2.0)
        parts = list(dict.fromkeys(window for text in texts for window in windows(text)))
        chosen: list[ForgetTarget] = []
        for threshold in _NEAREST_COSINES:
            cosines = dict(self._near(parts, threshold)) | named
            ranked = sorted(cosines, key=lambda target: (-cosines[target], target))
            chosen = self._enforced(ranked)[:limit]
            if len(chosen) == limit:
                break
        return tuple(map(summary_of, chosen))

    def _named(self, readings: Iterable[Reading]) -> list[str]:
        found = (self._policy.lookup.named(reading.text, short=reading.is_language) for reading in readings)
        return list(dict.fromkeys(target for ids in found for target in sorted(ids)))

    def _enforced(self, ids: Iterable[str]) -> list[ForgetTarget]:
        targets = (self._policy.targets[target] for target in ids if target in self._policy.targets)
        return [target for target in targets if target.draft.mode is Mode.ENFORCE]

    def _near(self, texts: Sequence[str], threshold: float) -> Mapping[str, float]:
        if not self._policy.lookup.has_contextual or not texts:
            return {}
        vectors: Vectors = self._embedder.embed(list(texts))
        return self._policy.lookup.index.near(vectors, threshold)

    def _phrase_of(self, subject: TargetSummary, text: str) -> bool:
        target = self._policy.targets.get(subject.id)
        if target is None:
            return False
        digest = self._policy.contextual.get(target.id)
        if digest:
            return bool(self._policy.automata[digest].matches(text))
        phrases = tuple(enforced(target))
        return bool(phrases and _compiled(phrases, exemptions(target)).matches(text))

    def _with_classes(self, subjects: Sequence[TargetSummary]) -> list[str]:
        """Return the targets whose classes of values count: those of scope `always`, and the subjects."""
        touched = {subject.id for subject in subjects}
        targets = ((id, self._policy.targets[id]) for id in self._policy.lookup.classes)
        return [id for id, target in targets if target.draft.scope is Scope.ALWAYS or id in touched]

    def _always(self, text: str) -> list[str]:
        automata = [self._policy.automata[digest] for digest in self._policy.always.digests]
        found = (occurrence for automaton in automata for occurrence in automaton.matches(text))
        literals = {fold(text[occurrence.start : occurrence.end]) for occurrence in found}
        if not literals:
            return []
        return [
            target.id
            for target in self._policy.targets.values()
            if any(fold(phrase) in literals for phrase in enforced(target))
        ]


@lru_cache(maxsize=1024)
def _compiled(phrases: tuple[str, ...], exempt: frozenset[Exemption]) -> Automaton:
    return Automaton.forbidding(phrases, exempt)


def sentences(text: str) -> list[str]:
    """Return the distinct sentences of `text`, split to fit the embedder's window."""
    found = (match[0].strip() for match in _SENTENCE.finditer(text))
    return list(dict.fromkeys(window for sentence in found if sentence for window in windows(sentence)))
