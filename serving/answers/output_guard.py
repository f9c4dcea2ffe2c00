"""The output guard: matches the policy's automata against every surface of an answer, whatever its shape.

Text is held back while it may still become a phrase, and withheld for good once it has. A streamed chunk and a
whole answer go through the same `ChoiceGuard`, the whole answer as a stream of one chunk.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import orjson

from guard.matching.automaton import Automaton
from guard.matching.encoded_scanner import EncodedScanner
from guard.matching.escape_scanner import EscapeScanner
from serving.protocol.request import CHAT_CHUNK
from serving.protocol.surfaces import MAIN, append_text, plain_piece, surfaces, text_holder, withhold_unknown


class ChoiceGuard:
    """Guards one choice of an answer: releases its text up to where a phrase may have begun.

    current_part  the part of the message that the last piece of text belonged to, such as `content` or `tool0`
    finished      whether the choice has ended
    withheld      whether text was withheld from the client; known when it has finished
    max_held      the most characters that were held back at once
    """

    def __init__(
        self, automata: Sequence[Automaton], seed: str, decline: str, declined: bool, decode: bool = False
    ) -> None:
        self._automata = automata
        self._scanner_type = EncodedScanner if decode else EscapeScanner
        self._seed = seed
        self._decline = decline
        self._declined = declined
        self._scanners: dict[str, EscapeScanner | EncodedScanner] = {}
        self._logprobs: list[dict[str, Any]] = []
        # If nothing was released, the choice ends with the decline text.
        self._released_any = False
        # Characters received less characters released: held back or withheld.
        self._unreleased = 0
        self.current_part = ""
        self.finished = False
        self.withheld = False
        self.max_held = 0

    def feed(self, key: str, text: str) -> str:
        """Take the next piece of the surface `key` and return what may be released of it now."""
        released = "" if self._declined else self._scan(key, text)
        if released:
            self._released_any = True
        if len(released) != len(text):
            self._unreleased += len(text) - len(released)
            if not self._declined and not self._scanners[key].matched:
                self.max_held = max(self.max_held, self._unreleased)
        return released

    def filter(self, choice: dict[str, Any]) -> bool:
        """Reduce `choice` in place to what may be released now; return whether anything was changed."""
        changed = withhold_unknown(choice)
        keys = []
        for surface in surfaces(choice):
            text = surface.holder[surface.member]
            keys += [surface.key] if text else []
            released = self.feed(surface.key, text)
            if released != text:
                surface.holder[surface.member] = released
                changed = True
        self._released_any = self._released_any or (
            bool(text_holder(choice).get("tool_calls")) and not self._declined
        )
        if choice.get("finish_reason") is not None:
            changed = self._finish(choice) or changed
        elif keys:
            changed = self._release_ended_parts(choice, keys) or changed
        return self._hold_logprobs(choice) or changed

    def give_up(self, choice: dict[str, Any]) -> None:
        """End the choice, which the engine aborted as its grammar allowed only what the policy forbids.

        What is held back began that phrase, so it is withheld, however little it is.
        """
        for scanner in self._scanners.values():
            scanner.drop()
        self.filter(choice)

    def _scan(self, key: str, text: str) -> str:
        scanner = self._scanner(key)
        released = scanner.feed(text)
        # Engines send a function's name whole and before its arguments, so none of it is held back.
        return released + scanner.finish() if key.endswith(".name") else released

    def _scanner(self, key: str) -> EscapeScanner | EncodedScanner:
        if key not in self._scanners:
            self._scanners[key] = self._scanner_type(self._automata, self._seed if key in MAIN else "")
        return self._scanners[key]

    def _release_ended_parts(self, choice: dict[str, Any], keys: list[str]) -> bool:
        """Release what is held back of earlier parts: engines end one part before they start the next."""
        previous, self.current_part = self.current_part, _part_of(keys[-1])
        return previous not in ("", self.current_part) and self._flush(choice, keep=self.current_part)

    def _flush(self, choice: dict[str, Any], keep: str = "") -> bool:
        """Append all held-back text to `choice`, but for the part `keep`; return whether there was any."""
        held = {key: s.finish() for key, s in self._scanners.items() if not keep or _part_of(key) != keep}
        for key, text in held.items():
            if text:
                append_text(choice, key, text)
                self._unreleased -= len(text)
                self._released_any = True
        return any(held.values())

    def _finish(self, choice: dict[str, Any]) -> bool:
        self.finished = True
        changed = self._flush(choice)
        self.withheld = self._declined or any(scanner.matched for scanner in self._scanners.values())
        if not self._released_any:
            append_text(choice, "text" if text_holder(choice) is choice else "content", self._decline)
            self.withheld = True
        if self.withheld:
            choice["finish_reason"] = "stop"
            # It would reveal what followed the withheld text.
            choice.pop("stop_reason", None)
        return self.withheld or changed

    def _hold_logprobs(self, choice: dict[str, Any]) -> bool:
        """Hold back log-probabilities until the text they describe is released; return whether they changed."""
        finished = choice.get("finish_reason") is not None
        given = choice.get("logprobs")
        held = bool(self._logprobs)
        if given:
            self._logprobs.append(given)
        withheld = self._declined or self.withheld or any(s.matched for s in self._scanners.values())
        if withheld:
            self._logprobs.clear()
            choice["logprobs"] = None
            return bool(given)
        if not self._logprobs:
            return False
        if self._unreleased and not finished:
            choice["logprobs"] = None
            return True
        choice["logprobs"] = _concatenate(self._logprobs)
        self._logprobs = []
        return held


class OutputGuard:
    """Guards all choices of one answer.

    seeds     the text that the answer to each prompt continues
    declined  whether all of the model's text is replaced by `decline`
    decode    whether what decodes to a phrase is withheld too (`guard.matching.encoded_scanner`)
    blank     a chunk of the answer without choices, for the chunk that `close` makes
    """

    def __init__(
        self,
        automata: Sequence[Automaton],
        seeds: Sequence[str],
        choices_per_prompt: int,
        decline: str,
        declined: bool = False,
        decode: bool = False,
        blank: dict[str, Any] | None = None,
    ) -> None:
        self._blank = blank or {}
        self._automata = automata
        self._seeds = seeds
        self._per_prompt = choices_per_prompt
        self._decline = decline
        self._declined = declined
        self._decode = decode
        self._choices: dict[int, ChoiceGuard] = {}

    def chunk(self, payload: bytes) -> bytes | None:
        """Return what may be released of a streamed chunk now; None if all of it is held back."""
        chunk = orjson.loads(payload)
        choices = chunk.get("choices") or []
        # Fast path: nearly every chunk of a stream is one piece of text and nothing else.
        if len(choices) == 1 and (piece := plain_piece(choices[0])):
            guard = self._choice(choices[0])
            if guard.current_part == piece.key:
                text = piece.holder[piece.member]
                released = guard.feed(piece.key, text)
                if released == text:
                    return payload
                piece.holder[piece.member] = released
                return orjson.dumps(chunk) if released or chunk.get("usage") else None
        changed = [self._choice(choice).filter(choice) for choice in choices]
        if not any(changed):
            return payload
        chunk["choices"] = [
            c for c, altered in zip(choices, changed, strict=True) if not altered or _has_content(c)
        ]
        return orjson.dumps(chunk) if chunk["choices"] or chunk.get("usage") else None

    def answer(self, payload: bytes) -> bytes:
        """Return what may be released of a whole answer."""
        answer = orjson.loads(payload)
        changed = [self._choice(choice).filter(choice) for choice in answer.get("choices") or []]
        return orjson.dumps(answer) if any(changed) else payload

    @property
    def withheld(self) -> bool:
        """Whether any text of the model was withheld (a declined answer has no such text)."""
        return not self._declined and any(choice.withheld for choice in self._choices.values())

    @property
    def max_held(self) -> int:
        """The most characters of one choice that were held back at once."""
        return max((choice.max_held for choice in self._choices.values()), default=0)

    def close(self) -> bytes:
        """Return the chunk that ends every unfinished choice of a stream that the engine aborted."""
        indices = range(self._per_prompt * max(1, len(self._seeds)))
        content: dict[str, Any] = {"delta": {}} if self._blank.get("object") == CHAT_CHUNK else {"text": ""}
        choices: list[dict[str, Any]] = []
        for index in indices:
            choice = {"index": index, **copy.deepcopy(content), "logprobs": None, "finish_reason": "stop"}
            guard = self._choice(choice)
            if not guard.finished:
                guard.give_up(choice)
                choices.append(choice)
        return orjson.dumps({**self._blank, "choices": choices})

    def _choice(self, choice: dict[str, Any]) -> ChoiceGuard:
        index = choice.get("index", 0)
        guard = self._choices.get(index)
        if guard is None:
            prompt = index // self._per_prompt
            seed = self._seeds[prompt] if prompt < len(self._seeds) else ""
            guard = self._choices[index] = ChoiceGuard(
                self._automata, seed, self._decline, self._declined, self._decode
            )
        return guard


def _part_of(key: str) -> str:
    """Return the part of a message that a surface belongs to: a tool call's name and arguments are one part."""
    return key.split(".")[0]


def _has_content(choice: dict[str, Any]) -> bool:
    """Return whether a choice holds anything that a client needs."""
    return bool(
        choice.get("finish_reason") is not None
        or choice.get("logprobs")
        or text_holder(choice).get("role")
        or any(call.get("id") for call in text_holder(choice).get("tool_calls") or ())
        or any(surface.holder[surface.member] for surface in surfaces(choice))
    )


def _concatenate(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the log-probability objects of consecutive chunks as one, list by list."""
    joined = dict(parts[0])
    for part in parts[1:]:
        for key, value in part.items():
            if isinstance(value, list):
                joined[key] = [*(joined.get(key) or []), *value]
    return joined
