"""Trains the agents model, a small Llama, from scratch. An interrupted training resumes after its last round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from eval.alu.dialogues import draw_round
from eval.alu.recipe import AgentsRecipe
from eval.alu.tokenizer import encode_dialogue
from serving.small_llama.batches import Batch, make_batches
from serving.small_llama.trainer import Trainer, new_model


class TrainingStep(NamedTuple):
    """Progress: rounds done and planned, and the mean loss of the last round in nats per token."""

    done: int
    planned: int
    loss: float


def train(
    recipe: AgentsRecipe,
    tokenizer: PreTrainedTokenizerFast,
    checkpoint: Path,
    on_step: Callable[[TrainingStep], None],
) -> LlamaForCausalLM:
    """Return the trained model, in float32. The file `checkpoint` keeps the last round, to resume from."""
    model = new_model(recipe, tokenizer)
    trainer = Trainer(model, recipe, beta2=0.98)
    for number in range(trainer.resume(checkpoint), recipe.rounds):
        batches = _round_batches(recipe, tokenizer, number)
        losses = [
            trainer.step(batch, (number + index / len(batches)) / recipe.rounds)
            for index, batch in enumerate(batches)
        ]
        trainer.save(checkpoint, number + 1)
        on_step(TrainingStep(number + 1, recipe.rounds, sum(losses) / len(losses)))
    return model.eval()


def _round_batches(recipe: AgentsRecipe, tokenizer: PreTrainedTokenizerFast, number: int) -> list[Batch]:
    random = recipe.random(number)
    dialogues = [encode_dialogue(tokenizer, dialogue) for dialogue in draw_round(random)]
    return make_batches(dialogues, recipe.batch_tokens, random)
