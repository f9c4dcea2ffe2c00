"""What a model is asked: prompts, each with the policy and the decoding that its answer is generated under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from guard.decoding.request_args import Backtracking
from guard.text.conversation import Message

PROMPT_DATE: Final = datetime(2025, 4, 10)
"""The date for chat templates that print today's, so that no number depends on the day of its run. Open-unlearning
renders prompts with the same."""


class Decoding(StrEnum):
    """greedy     the most likely token at each position (sampled, at a temperature)
    backtrack  the same, with a restart where the answer heads into a phrase (guard.decoding.backtracking)
    beam       beam search
    """

    GREEDY = "greedy"
    BACKTRACK = "backtrack"
    BEAM = "beam"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt under a policy.

    text          the user's message of a chat, or the start of a text that is to be continued (`chat` False)
    digests       the automata that restrict the answer
    prefill       the beginning of the assistant's turn of a chat
    before        the turns of a chat before the user's message
    temperature   0 for the greedy answer
    draw          index of the answer among those sampled at this temperature; its seed
    decoding      how the answer is found
    difference    the method of logit difference that serves it; "" for none
    backtracking  how a part of an answer aborts; set by runners alone
    """

    text: str = field(repr=False)
    chat: bool = True
    digests: tuple[str, ...] = ()
    prefill: str = field(default="", repr=False)
    before: tuple[Message, ...] = field(default=(), repr=False)
    temperature: float = 0.0
    draw: int = 0
    decoding: Decoding = Decoding.GREEDY
    difference: str = ""
    backtracking: Backtracking | None = None


def conversation(prompt: Prompt, detector_text: str) -> tuple[Message, ...]:
    """Return what a detector reads of a request whose user's message is `detector_text`."""
    prefill = (Message("assistant", prompt.prefill),) if prompt.prefill else ()
    return (*prompt.before, Message("user", detector_text), *prefill)


class SampledPrompt(NamedTuple):
    """A prompt and the number of answers to sample from it; their draw counts up from the prompt's own."""

    prompt: Prompt
    draws: int


def sampled_prompts(prompts: Sequence[Prompt]) -> list[SampledPrompt]:
    """Return the prompts with successive draws of one prompt joined; prompts for greedy answers stand alone."""
    joined: list[SampledPrompt] = []
    for prompt in prompts:
        last = joined[-1] if joined else None
        if last and prompt.temperature and prompt == replace(last.prompt, draw=last.prompt.draw + last.draws):
            joined[-1] = SampledPrompt(last.prompt, last.draws + 1)
        else:
            joined.append(SampledPrompt(prompt, 1))
    return joined
