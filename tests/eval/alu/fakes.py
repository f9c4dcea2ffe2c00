from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from agents.ledger import Role
from eval.alu.dialogues import draw_dialogue

SAMPLES = 150


def drawn_replies(role: Role) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the data of drawn dialogues with the replies expected."""
    for seed in range(SAMPLES):
        dialogue = draw_dialogue(role, Random(seed))
        yield json.loads(dialogue.messages[-1].text), dialogue.reply
