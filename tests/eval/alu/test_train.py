from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from agents.ledger import Role
from eval.alu.dialogues import draw_dialogue
from eval.alu.recipe import AgentsRecipe
from eval.alu.train import train


def test_an_interrupted_training_resumes_to_the_same_model(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.alu.train.draw_round", lambda random: [draw_dialogue(Role.VANILLA, random)] * 4)
    recipe = replace(AgentsRecipe(), hidden=16, layers=1, heads=2, feed_forward=16, rounds=3)

    class Interrupted(Exception):
        pass

    def interrupt(step: object) -> None:
        raise Interrupted

    whole = train(recipe, tokenizer, tmp_path / "a", lambda step: None)
    with pytest.raises(Interrupted):
        train(recipe, tokenizer, tmp_path / "b", interrupt)
    seen: list[int] = []
    resumed = train(recipe, tokenizer, tmp_path / "b", lambda step: seen.append(step.done))
    assert seen == [2, 3]
    for left, right in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(left, right)
