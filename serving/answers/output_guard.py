"""The output guard: matches the policy's automata against every surface of an answer, whatever its shape.

Text is held back while it may still become a phrase, and withheld for good once it has. A streamed chunk and a
whole answer go through the same `ChoiceGuard`, the whole answer as a stream of one chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from guard.matching.automaton import Automaton
from guard.matching.near import NearTexts
from guard.patterns.value_class import ValueClass
from serving.answers.choice_guard import ChoiceGuard
from serving.answers.guard_options import GuardOptions
from serving.protocol.request import CHAT_CHUNK
from serving.protocol.surfaces import MAIN, plain_piece

MAX_SEED_CHARS = 1_024
"""Of the text that an answer continues, what is looked at with it: a name may begin there."""


class OutputGuard:
    """Guards all choices of one answer.

    seeds  the text that the answer to each prompt continues
    blank  a chunk of the answer without choices, for the chunks that `close` makes

    The others are those of `GuardOptions`.
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
        alternatives: int | None = None,
        max_tokens: int | None = None,
        near: tuple[NearTexts, ...] = (),
        classes: Sequence[ValueClass] = (),
        begun: bool = False,
        may_be_empty: bool = False,
        held_chars: int = 0,
        watched: int = 0,
    ) -> None:
        self._options = GuardOptions(
            *(decline, declined, decode, alternatives, max_tokens, near, tuple(classes), begun, may_be_empty),
            held_chars=held_chars,
            watched=watched,
        )
        self._blank = blank or {}
        self._automata = automata
        self._seeds = seeds
        self._per_prompt = choices_per_prompt
        self._choices: dict[int, ChoiceGuard] = {}

    def chunk(self, payload: bytes) -> list[bytes]:
        """Return the chunks that may be sent now for a streamed chunk; none if all of it is held back."""
        chunk = orjson.loads(payload)
        choices = chunk.get("choices") or []
        # Fast path: nearly every chunk of a stream is one piece of text and nothing else.
        if len(choices) == 1 and self._options.alternatives is None and (piece := plain_piece(choices[0])):
            guard = self._choice(choices[0])
            if guard.current_part == piece.key:
                text = piece.holder[piece.member]
                released = guard.feed(piece.key, text)
                if released == text:
                    return [payload]
                piece.holder[piece.member] = released
                return [orjson.dumps(chunk)] if released else []
        leaving = [self._choice(choice).chunk(choice) for choice in choices]
        if all(each is None for each in leaving):
            return [payload]
        return [
            orjson.dumps({**_middle(chunk, one), "choices": [one]})
            for choice, several in zip(choices, leaving, strict=True)
            for one in ([choice] if several is None else several)
        ]

    def answer(self, payload: bytes) -> bytes:
        """Return what may be released of a whole answer."""
        answer = orjson.loads(payload)
        changed = [self._choice(choice).whole(choice) for choice in answer.get("choices") or []]
        return orjson.dumps(answer) if any(changed) else payload

    @property
    def withheld(self) -> bool:
        """Whether any text of the model was withheld (a declined answer has no such text)."""
        return not self._options.declined and any(choice.withheld for choice in self._choices.values())

    @property
    def matched(self) -> bool:
        """Whether any text of the model has said a phrase, so that nothing more of its choice's surface leaves."""
        return not self._options.declined and any(choice.matched for choice in self._choices.values())

    @property
    def finished(self) -> bool:
        """Whether a choice has ended, as that of an answer with one choice has at its end."""
        return any(choice.finished for choice in self._choices.values())

    def said(self) -> list[str]:
        """Return what each surface of each choice has said, after the end of the text that it continues."""
        return [
            self._seed(index)[-MAX_SEED_CHARS:] * (key in MAIN) + "".join(parts)
            for index, choice in self._choices.items()
            for key, parts in choice.said.items()
        ]

    def released(self) -> str | None:
        """Return the text released of the only choice; None if it has said more than text."""
        if not self._choices:
            return ""
        if len(self._choices) != 1:
            return None
        (choice,) = self._choices.values()
        if len(choice.said) != 1 or not choice.said.keys() <= set(MAIN):
            return None
        said = "".join(*choice.said.values())
        return said[: len(said) - choice.unreleased]

    @property
    def max_held(self) -> int:
        """The most characters of one choice that were held back at once."""
        return max((choice.max_held for choice in self._choices.values()), default=0)

    def close(self) -> list[bytes]:
        """Return the chunks that end every unfinished choice of a stream that the engine aborted."""
        chunks: list[bytes] = []
        for index in range(self._per_prompt * max(1, len(self._seeds))):
            chat = self._blank.get("object") == CHAT_CHUNK
            content: dict[str, Any] = {"delta": {}} if chat else {"text": "", "prompt_token_ids": None}
            ends = {"logprobs": None, "finish_reason": "stop", "stop_reason": None, "token_ids": None}
            choice = {"index": index, **content, **ends}
            guard = self._choice(choice)
            if not guard.finished:
                chunks += [orjson.dumps({**self._blank, "choices": [one]}) for one in guard.give_up(choice)]
        return chunks

    def _choice(self, choice: dict[str, Any]) -> ChoiceGuard:
        index = choice.get("index", 0)
        guard = self._choices.get(index)
        if guard is None:
            guard = self._choices[index] = ChoiceGuard(self._automata, self._seed(index), self._options)
        return guard

    def _seed(self, index: int) -> str:
        prompt = index // self._per_prompt
        return self._seeds[prompt] if prompt < len(self._seeds) else ""


def _middle(chunk: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    """Return `chunk` for one of its choices: only the one that ends has the fingerprint of the engine."""
    if choice.get("finish_reason") is None:
        return {name: value for name, value in chunk.items() if name != "system_fingerprint"}
    return chunk
