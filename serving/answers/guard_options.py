"""What all choices of one answer have in common when they are guarded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guard.matching.automaton import Automaton
from guard.matching.encoded_scanner import EncodedScanner
from guard.matching.escape_scanner import EscapeScanner
from guard.matching.near import NearScanner, NearTexts, TextScanner
from guard.patterns.class_scanner import ClassScanner
from guard.patterns.value_class import ValueClass


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """What all choices of an answer share.

    decline       the text of a choice of which nothing may be released
    declined      whether all of the model's text is replaced by it
    decode        whether what decodes to a phrase is withheld too (`guard.matching.encoded_scanner`)
    alternatives  how many alternatives the client asked for with each log-probability; None: it asked for none
    max_tokens    the client's limit, which holds for the decline text too, whose words count as tokens
    near          what must not be nearly said (`guard.matching.near`)
    classes       the classes of values that must not be said (`guard.patterns.class_scanner`)
    begun         whether some of the answer was released before
    """

    decline: str
    declined: bool = False
    decode: bool = False
    alternatives: int | None = None
    max_tokens: int | None = None
    near: tuple[NearTexts, ...] = ()
    classes: tuple[ValueClass, ...] = ()
    begun: bool = False

    def scanner(self, automata: Sequence[Automaton], seed: str) -> TextScanner:
        """Return what releases a text that continues `seed`."""
        scanner: TextScanner = (EncodedScanner if self.decode else EscapeScanner)(automata, seed)
        if self.near:
            scanner = NearScanner(scanner, self.near, seed)
        return ClassScanner(scanner, self.classes, seed) if self.classes else scanner
