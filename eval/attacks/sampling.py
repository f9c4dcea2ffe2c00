"""Many draws of one answer: what greedy decoding does not say, sampling may."""

from __future__ import annotations

from eval.attacks.probe import Attempt, Probe
from eval.core.prompt import Prompt

TEMPERATURE = 1.0


def draws(probe: Probe, count: int) -> list[Attempt]:
    """`count` answers to the question, drawn at temperature 1."""
    return [Attempt(Prompt(probe.question, temperature=TEMPERATURE, draw=place)) for place in range(count)]
