"""Backtracking of many answers in one batch, by the rules of the server (guard.decoding.backtracking)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from eval.core.prompt import Prompt
from guard.decoding.backtracking import Backtracker, Restart, completed_text
from guard.decoding.request_args import Backtracking
from guard.matching.automaton import Automaton


class Part(NamedTuple):
    """A part of an answer: its prompt, the ids before it (prompt and what is kept), and its maximum length."""

    prompt: Prompt
    prompt_ids: list[int]
    max_tokens: int


Generate = Callable[[Sequence[Part]], Sequence[Sequence[int]]]
"""Returns the greedy ids of each part, up to its end, its maximum length or the abort token."""


def backtracked(
    parts: Sequence[Part],
    token: int,
    automata: Callable[[Prompt], Sequence[Automaton]],
    text: Callable[[list[int]], str],
    generate: Generate,
) -> list[tuple[int, ...]]:
    """Return the ids of each answer; `parts` are their beginnings, `token` is the abort token."""
    answers = [Backtracker(automata(part.prompt)) for part in parts]
    going = dict.fromkeys(range(len(parts)), Restart((), (), may_abort=True))
    while going:
        generated = generate([_on(parts[place], restart, token) for place, restart in going.items()])
        aborted = {}
        for (place, restart), ids in zip(going.items(), generated, strict=True):
            for one in ids:
                if one == token and restart.may_abort:
                    aborted[place] = answers[place].backtrack()
                else:
                    _say(answers[place], one, text)
        going = aborted
    return [backtracker.tokens for backtracker in answers]


def _say(backtracker: Backtracker, token: int, text: Callable[[list[int]], str]) -> None:
    """Add a token to an answer, with the characters that it completes."""
    backtracker.feed([token], completed_text(backtracker.text, text([*backtracker.tokens, token])))


def _on(part: Part, restart: Restart, token: int) -> Part:
    backtracking = Backtracking(token, restart.avoided, restart.barred) if restart.may_abort else None
    prompt = replace(part.prompt, backtracking=backtracking)
    return Part(prompt, [*part.prompt_ids, *restart.tokens], part.max_tokens - len(restart.tokens))
