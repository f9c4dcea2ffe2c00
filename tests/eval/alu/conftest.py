from __future__ import annotations

from random import Random

import pytest
from transformers import PreTrainedTokenizerFast

from eval.alu.dialogues import draw_dialogue
from eval.alu.model import ROLES
from eval.alu.tokenizer import train_tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """Return a small tokenizer of the dialogues."""
    random = Random(0)
    dialogues = [draw_dialogue(random.choice(ROLES), random) for _ in range(300)]
    return train_tokenizer((text for one in dialogues for text in (one.messages[-1].text, one.reply)), 1024, 1024)
