"""What all choices of one answer have in common when they are guarded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guard.matching.automaton import Automaton
from guard.matching.encoded_scanner import EncodedScanner
from guard.matching.escape_scanner import EscapeScanner
from guard.matching.near import NearScanner, NearTexts, TextScanner
from guard.patterns.class_scanner import ClassScanner
from guard.patterns.value_class import ValueClass
from guard.text.json_escapes import JSON
from guard.text.markup_escapes import MARKUP
from serving.answers.logprobs import Alternatives
from serving.protocol.surfaces import MAIN, append_text, has_text, surfaces


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
    may_be_empty  whether a choice in which the model says nothing stays empty: no restriction left it so
    held_chars    how many characters an engine sends only with the end, as it looks out for stop strings
    watched       how many automata, the last ones, hold phrases that no mask keeps the model from ending
    """

    decline: str
    declined: bool = False
    decode: bool = False
    alternatives: int | None = None
    max_tokens: int | None = None
    near: tuple[NearTexts, ...] = ()
    classes: tuple[ValueClass, ...] = ()
    begun: bool = False
    may_be_empty: bool = False
    held_chars: int = 0
    watched: int = 0

    def scanner(self, automata: Sequence[Automaton], seed: str) -> TextScanner:
        """Return what releases a text that continues `seed`."""
        return self._watching((EncodedScanner if self.decode else EscapeScanner)(automata, seed), seed)

    def listed(self, automata: Sequence[Automaton], seed: str) -> Alternatives | None:
        """Return what filters the alternatives of an answer that continues `seed`.

        None where none are asked for, and where nothing is forbidden. The engine masks the phrases of a plan, but
        not those that the watch looks for. Codes are not read: one token more says nothing in code.
        """
        if not self.alternatives or self.declined or not (automata or self.near or self.classes):
            return None
        return Alternatives(self._watching(EscapeScanner(automata, seed), seed))

    def left_free(self, choice: dict[str, Any]) -> int:
        """Return how many of the last automata hold phrases that the model could have ended in a finished choice:
        none where something else ended it, a limit of tokens or a stop string."""
        ended_itself = choice.get("finish_reason") not in (None, "length") and "stop_reason" in choice
        return self.watched if ended_itself and choice["stop_reason"] is None else 0

    def before_last(self, pieces: Sequence[dict[str, Any]], choice: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what comes before the last chunk of a stream, `choice`, which is given what engines send with it.

        That is the last token of an answer that ended at its limit, and else what was held back for stop strings.
        """
        is_at_limit = choice["finish_reason"] == "length"
        if not pieces or not (is_at_limit or (self.held_chars and not has_text(choice))):
            return [*pieces]
        *before, last = pieces
        for surface in [one for one in surfaces(last) if is_at_limit or one.key in MAIN]:
            text = surface.holder[surface.member]
            kept = 0 if is_at_limit else max(0, len(text) - self.held_chars)
            append_text(choice, surface.key, text[kept:])
            surface.holder[surface.member] = text[:kept]
        # A token is described where it was sampled, also if its text comes later.
        is_kept = has_text(last) or (last.get("logprobs") and not is_at_limit)
        return [*before, last] if is_kept else before

    def _watching(self, scanner: TextScanner, seed: str) -> TextScanner:
        if self.near:
            scanner = NearScanner(scanner, self.near, seed)
        for escapes in (JSON, MARKUP) if self.classes else ():
            scanner = ClassScanner(scanner, self.classes, seed, escapes)
        return scanner
