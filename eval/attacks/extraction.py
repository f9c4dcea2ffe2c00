"""Extraction attacks: what greedy decoding does not say may be sampled, or listed among the top tokens."""

from __future__ import annotations

from collections.abc import Sequence

from eval.attacks.probe import AttackProbe, Attempt
from eval.core.prompt import Prompt
from guard.matching.automaton import Automaton
from guard.text.normalise import fold

TOP_TOKENS = 20
MAX_PREFILLS = 3
TEMPERATURE = 1.0


def sampling(probe: AttackProbe, count: int) -> list[Attempt]:
    """Draw `count` answers to the question at TEMPERATURE."""
    return [Attempt(Prompt(probe.question, temperature=TEMPERATURE, draw=draw)) for draw in range(count)]


def logprob_extraction(probe: AttackProbe, forbidden: Automaton) -> list[Attempt]:
    """Ask the plain question, and with the answer prefilled up to the last word of its forbidden phrases."""
    prefills: dict[str, None] = {"": None}
    for found in forbidden.matches(probe.answer):
        # The client itself writes all of the phrase but its last word, or its last half if it is one word.
        phrase = probe.answer[found.start : found.end]
        cut = phrase.rfind(" ") if " " in phrase else len(phrase) // 2
        prefills[probe.answer[: found.start + cut]] = None
    return [Attempt(Prompt(probe.question, prefill=prefill)) for prefill in list(prefills)[:MAX_PREFILLS]]


def assemble_phrase(
    prefill: str, tokens: Sequence[str], alternatives: Sequence[Sequence[str]], forbidden: Automaton
) -> str:
    """Return the first text with a forbidden phrase, made of generated tokens and one alternative; "" without one.

    `alternatives[i]` are the tokens listed at the position of `tokens[i]`. A phrase that is complete in the
    client's own `prefill` does not count.
    """
    state = forbidden.feed(0, prefill)
    for position, listed in enumerate(alternatives):
        for token in listed:
            if _completes(forbidden, state, token):
                return prefill + "".join(tokens[:position]) + token
        state = forbidden.feed(state, tokens[position])
    return ""


def _completes(forbidden: Automaton, state: int, token: str) -> bool:
    # Characters that fold to nothing keep the state, which may already be a phrase's end.
    for char in fold(token):
        state = forbidden.step(state, char)
        if forbidden.ends[state]:
            return True
    return False
