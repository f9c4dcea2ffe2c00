"""Backtracking of many answers at once, as a server does: all that go on are one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from eval.core.ask import Ask
from guard.decoding.backtracking import Again, Written, completed
from guard.decoding.request_args import Backtracking
from guard.matching.automaton import Automaton


class Part(NamedTuple):
    """A part of an answer: its ask, the ids before it (the prompt, and what stays), and how long it may be."""

    ask: Ask
    prompt: list[int]
    most: int


Speak = Callable[[Sequence[Part]], Sequence[Sequence[int]]]
"""Says the greedy ids of each part, to its end, its length or the token by which it gives itself up."""


def rewound(
    parts: Sequence[Part],
    token: int,
    automata: Callable[[Ask], Sequence[Automaton]],
    text: Callable[[list[int]], str],
    speak: Speak,
) -> list[tuple[int, ...]]:
    """The ids of each answer; `parts` are their beginnings, `token` the id by which one gives itself up."""
    answers = [Written(automata(part.ask)) for part in parts]
    going = dict.fromkeys(range(len(parts)), Again((), (), rewind=True))
    while going:
        said = speak([_on(parts[place], again, token) for place, again in going.items()])
        given_up = {}
        for (place, again), ids in zip(going.items(), said, strict=True):
            for one in ids:
                if one == token and again.rewind:
                    given_up[place] = answers[place].rewind()
                else:
                    _say(answers[place], one, text)
        going = given_up
    return [written.tokens for written in answers]


def _say(written: Written, token: int, text: Callable[[list[int]], str]) -> None:
    """Add a token to an answer, with the characters that it completes."""
    written.say([token], completed(written.text, text([*written.tokens, token])))


def _on(part: Part, again: Again, token: int) -> Part:
    rewind = Backtracking(token, again.avoided) if again.rewind else None
    ask = replace(part.ask, rewind=rewind)
    return Part(ask, [*part.prompt, *again.tokens], part.most - len(again.tokens))
