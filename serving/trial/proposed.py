"""What a target that is not in force would forbid of a prompt and of the answer without it. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.matching.automaton import Automaton
from guard.targets.target import ForgetTarget

MAX_SAID = 200
"""Phrases that are listed of one text."""


@dataclass(frozen=True, slots=True)
class ProposedTrial:
    """The phrases of a target, as they are said, in a prompt and in the stock answer to it."""

    in_prompt: tuple[str, ...] = field(repr=False)
    in_stock: tuple[str, ...] = field(repr=False)


def tried(target: ForgetTarget, prompt: str, stock: str) -> ProposedTrial:
    """Return which phrases of a target, or other ways to write them, stand in two texts.

    What the target finds by meaning, and runs of a passage's words, are not looked for: they need the policy.
    """
    automaton = Automaton.forbidding([*target.forbidden, *target.variants])
    return ProposedTrial(_said(automaton, prompt), _said(automaton, stock))


def _said(automaton: Automaton, text: str) -> tuple[str, ...]:
    found = (text[one.start : one.end] for one in automaton.matches(text))
    return tuple(dict.fromkeys(found))[:MAX_SAID]
