"""The output guard: the policy's automata over every surface of an answer, whatever its shape.

A streamed chunk and a whole answer go through the same `ChoiceGuard`; the whole answer is a stream of one chunk.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import orjson

from guard.matching.automaton import Automaton
from guard.matching.escape_scanner import EscapeScanner
from serving.protocol.request import CHAT_CHUNK
from serving.protocol.surfaces import MAIN, append_text, plain_piece, surfaces, text_holder, withhold_unknown


class ChoiceGuard:
    """One choice of one answer: releases its text as far as no phrase can still come of it."""

    def __init__(self, automata: Sequence[Automaton], seed: str, decline: str, declined: bool) -> None:
        self._automata = automata
        self._seed = seed
        self._decline = decline
        self._declined = declined
        self._scanners: dict[str, EscapeScanner] = {}
        self._logprobs: list[dict[str, Any]] = []
        self._spoke = False
        self._owed = 0
        # The part of the message that spoke last.
        self.speaking = ""
        self.finished = False
        self.withheld = False
        self.max_held = 0

    def say(self, key: str, text: str) -> str:
        """What may leave now after one more piece of the surface `key`; the rest is held, or gone for good."""
        released = "" if self._declined else self._release(key, text)
        if released:
            self._spoke = True
        if len(released) != len(text):
            self._owed += len(text) - len(released)
            if not self._declined and not self._scanners[key].matched:
                self.max_held = max(self.max_held, self._owed)
        return released

    def filter(self, choice: dict[str, Any]) -> bool:
        """Rewrite `choice` in place to what may leave now; True if anything was changed."""
        changed = withhold_unknown(choice)
        keys = []
        for surface in surfaces(choice):
            text = surface.holder[surface.member]
            keys += [surface.key] if text else []
            released = self.say(surface.key, text)
            if released != text:
                surface.holder[surface.member] = released
                changed = True
        self._spoke = self._spoke or (bool(text_holder(choice).get("tool_calls")) and not self._declined)
        if choice.get("finish_reason") is not None:
            changed = self._finish(choice) or changed
        elif keys:
            changed = self._let_go(choice, keys) or changed
        return self._hold_logprobs(choice) or changed

    def _release(self, key: str, text: str) -> str:
        scanner = self._scanner(key)
        released = scanner.feed(text)
        # Engines send a function's name whole, and its arguments follow: nothing of it may wait for the end.
        return released + scanner.finish() if key.endswith(".name") else released

    def _scanner(self, key: str) -> EscapeScanner:
        if key not in self._scanners:
            self._scanners[key] = EscapeScanner(self._automata, self._seed if key in MAIN else "")
        return self._scanners[key]

    def _let_go(self, choice: dict[str, Any], keys: list[str]) -> bool:
        """Release what is held of the parts before the one that speaks now: engines end one before the next."""
        speaking, before = _item(keys[-1]), self.speaking
        self.speaking = speaking
        return before not in ("", speaking) and self._add_rests(choice, besides=speaking)

    def _add_rests(self, choice: dict[str, Any], besides: str = "") -> bool:
        rests = {key: s.finish() for key, s in self._scanners.items() if not besides or _item(key) != besides}
        for key, rest in rests.items():
            if rest:
                append_text(choice, key, rest)
                self._owed -= len(rest)
                self._spoke = True
        return any(rests.values())

    def _finish(self, choice: dict[str, Any]) -> bool:
        self.finished = True
        changed = self._add_rests(choice)
        self.withheld = self._declined or any(scanner.matched for scanner in self._scanners.values())
        if not self._spoke:
            append_text(choice, "text" if text_holder(choice) is choice else "content", self._decline)
            self.withheld = True
        if self.withheld:
            choice["finish_reason"] = "stop"
            # It would tell what was said after the text that was withheld.
            choice.pop("stop_reason", None)
        return self.withheld or changed

    def _hold_logprobs(self, choice: dict[str, Any]) -> bool:
        """Log-probabilities leave with the last character of the text they describe, or never."""
        finished = choice.get("finish_reason") is not None
        given = choice.get("logprobs")
        held = bool(self._logprobs)
        if given:
            self._logprobs.append(given)
        matched = self._declined or self.withheld or any(s.matched for s in self._scanners.values())
        if matched:
            self._logprobs.clear()
            choice["logprobs"] = None
            return bool(given)
        if not self._logprobs:
            return False
        if self._owed and not finished:
            choice["logprobs"] = None
            return True
        choice["logprobs"] = _joined(self._logprobs)
        self._logprobs = []
        return held


class OutputGuard:
    """All choices of one answer; `blank` is a chunk of it without choices, for what the guard itself must say."""

    def __init__(
        self,
        automata: Sequence[Automaton],
        seeds: Sequence[str],
        choices_per_prompt: int,
        decline: str,
        declined: bool = False,
        blank: dict[str, Any] | None = None,
    ) -> None:
        self._blank = blank or {}
        self._automata = automata
        self._seeds = seeds
        self._per_prompt = choices_per_prompt
        self._decline = decline
        self._declined = declined
        self._choices: dict[int, ChoiceGuard] = {}

    def chunk(self, payload: bytes) -> bytes | None:
        """What may leave of one streamed chunk now; None while all of it is held back."""
        chunk = orjson.loads(payload)
        choices = chunk.get("choices") or []
        # Nearly every chunk of a stream is one piece of text and nothing else.
        if len(choices) == 1 and (piece := plain_piece(choices[0])):
            guard = self._choice(choices[0])
            if guard.speaking == piece.key:
                text = piece.holder[piece.member]
                released = guard.say(piece.key, text)
                if released == text:
                    return payload
                piece.holder[piece.member] = released
                return orjson.dumps(chunk) if released or chunk.get("usage") else None
        changed = [self._choice(choice).filter(choice) for choice in choices]
        if not any(changed):
            return payload
        chunk["choices"] = [c for c, altered in zip(choices, changed, strict=True) if not altered or _says(c)]
        return orjson.dumps(chunk) if chunk["choices"] or chunk.get("usage") else None

    def answer(self, payload: bytes) -> bytes:
        """What may leave of a whole answer."""
        answer = orjson.loads(payload)
        changed = [self._choice(choice).filter(choice) for choice in answer.get("choices") or []]
        return orjson.dumps(answer) if any(changed) else payload

    @property
    def withheld(self) -> bool:
        """Whether text of the model's was kept from the client (a declined answer has none)."""
        return not self._declined and any(choice.withheld for choice in self._choices.values())

    @property
    def max_held(self) -> int:
        """The most characters of one choice that were ever held back at once."""
        return max((choice.max_held for choice in self._choices.values()), default=0)

    def close(self) -> bytes:
        """The chunk that ends every open choice of a stream the engine gave up, as an ordinary answer ends."""
        indices = range(self._per_prompt * max(1, len(self._seeds)))
        said: dict[str, Any] = {"delta": {}} if self._blank.get("object") == CHAT_CHUNK else {"text": ""}
        choices: list[dict[str, Any]] = []
        for index in indices:
            choice = {"index": index, **copy.deepcopy(said), "logprobs": None, "finish_reason": "stop"}
            guard = self._choice(choice)
            if not guard.finished:
                guard.filter(choice)
                choices.append(choice)
        return orjson.dumps({**self._blank, "choices": choices})

    def _choice(self, choice: dict[str, Any]) -> ChoiceGuard:
        index = choice.get("index", 0)
        guard = self._choices.get(index)
        if guard is None:
            place = index // self._per_prompt
            seed = self._seeds[place] if place < len(self._seeds) else ""
            guard = self._choices[index] = ChoiceGuard(self._automata, seed, self._decline, self._declined)
        return guard


def _item(key: str) -> str:
    """The part of a message that a surface belongs to: a tool call's name and arguments are one."""
    return key.split(".")[0]


def _says(choice: dict[str, Any]) -> bool:
    """Whether a choice still carries anything a client would miss."""
    return bool(
        choice.get("finish_reason") is not None
        or choice.get("logprobs")
        or text_holder(choice).get("role")
        or any(call.get("id") for call in text_holder(choice).get("tool_calls") or ())
        or any(surface.holder[surface.member] for surface in surfaces(choice))
    )


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Log-probability objects of consecutive chunks as one: equal members joined list by list."""
    joined = dict(parts[0])
    for part in parts[1:]:
        for key, value in part.items():
            if isinstance(value, list):
                joined[key] = [*(joined.get(key) or []), *value]
    return joined
