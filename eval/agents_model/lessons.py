"""The lessons of the agents model: drawn anew each round, as token ids of which only the replies are predicted."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from transformers import PreTrainedTokenizerFast

from agents.ledger import Role
from eval.agents_model.dialogues import Dialogue, dialogue, vanilla
from eval.agents_model.people import people
from eval.demo.batch import Encoded
from eval.demo.tokenizer import END

SHARES = {Role.CHECK: 70, Role.REWRITE: 90, Role.CRITIC: 90, Role.COMPOSER: 50}
"""Dialogues of each role in a round, beside every plain question once."""


def round_of(random: Random) -> Iterator[Dialogue]:
    """Yield one round of dialogues; the same state of `random` draws the same."""
    for person in people():
        yield from map(vanilla, person.asked)
    for role, share in SHARES.items():
        for _ in range(share):
            yield dialogue(role, random)


def encoded(tokenizer: PreTrainedTokenizerFast, lesson: Dialogue) -> Encoded:
    """Return `lesson` as the chat template writes it; its reply and the end of it count, nothing else does."""
    messages = [{"role": message.role, "content": message.text} for message in lesson.messages]
    asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    reply = tokenizer.encode(lesson.reply + END, add_special_tokens=False)
    return Encoded([*asked, *reply], [0.0] * len(asked) + [1.0] * len(reply))
