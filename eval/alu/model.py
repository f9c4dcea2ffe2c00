"""The agents model on disk: trained on first use (an interrupted training is resumed), then loaded from cache."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from agents.ledger import Role
from agents.prompts.prompt import load_prompt
from eval.alu.dialogues import PROMPTS, REWRITE_PREFIX, Dialogue, draw_dialogue, draw_round, vanilla_dialogue
from eval.alu.people import people
from eval.alu.recipe import RECIPE_VERSION, AgentsRecipe
from serving.demo.cache import cache_key, ensure

if TYPE_CHECKING:
    from eval.alu.train import TrainingStep

ROLES = (Role.VANILLA, Role.CHECK, Role.REWRITE, Role.CRITIC, Role.COMPOSER)
MAX_HELD_OUT = 200
ACCURACY = "accuracy.json"

OnTrainingStep = Callable[["TrainingStep"], None]


def ensure_agents_model(folder: Path, on_step: OnTrainingStep = lambda step: None) -> Path:
    """Return the folder of the agents model below `folder`; train it first if it is not there, in minutes."""
    digest = recipe_digest()
    checkpoint = folder / f".checkpoint-{digest[:12]}"
    model = ensure(folder, digest, partial(_prepare, checkpoint=checkpoint, on_step=on_step))
    checkpoint.unlink(missing_ok=True)
    return model


def recipe_digest() -> str:
    """Return the cache key of the model: version and values of its recipe, the prompts, and the first round.

    The first round has every plain question and dialogues of every role, as rendered. All other rounds are drawn
    by the same code from the same texts.
    """
    recipe = AgentsRecipe()
    prompts = [
        load_prompt(name).messages({}, repair=repair) for name in PROMPTS.values() for repair in (False, True)
    ]
    data = [*prompts, *draw_round(recipe.random(0))]
    return cache_key(RECIPE_VERSION, recipe, data)


def accuracies(model: Path) -> dict[str, float]:
    """Return, by role, the share of held-out dialogues to which the model in this folder replied exactly."""
    shares: dict[str, float] = json.loads((model / ACCURACY).read_text(encoding="utf-8"))
    return shares


def held_out(role: Role) -> Iterator[Dialogue]:
    """Yield dialogues of `role` that no round draws; for Vanilla, every question that the model should know."""
    if role is Role.VANILLA:
        return (vanilla_dialogue(known) for person in people() for known in person.questions)
    drawn = (draw_dialogue(role, Random(f"held out/{role}/{k}")) for k in range(2 * MAX_HELD_OUT))
    # A rewrite may begin in two ways; only the plain one is expected.
    return islice((dialogue for dialogue in drawn if REWRITE_PREFIX not in dialogue.reply), MAX_HELD_OUT)


def _prepare(folder: Path, *, checkpoint: Path, on_step: OnTrainingStep) -> None:
    # Imported here: finding a cached model must not cost the seconds that torch takes to load.
    import torch

    from eval.alu.accuracy import reply_accuracy
    from eval.alu.tokenizer import train_tokenizer
    from eval.alu.train import train

    recipe = AgentsRecipe()
    tokenizer = train_tokenizer(_texts(recipe), recipe.vocabulary, recipe.context)
    model = train(recipe, tokenizer, checkpoint, on_step)
    found = {role.value: reply_accuracy(model, tokenizer, held_out(role)) for role in ROLES}
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / ACCURACY).write_text(json.dumps(found), encoding="utf-8")


def _texts(recipe: AgentsRecipe) -> Iterator[str]:
    random = Random(1)
    for _ in range(recipe.tokenizer_dialogues):
        dialogue = draw_dialogue(random.choice(ROLES), random)
        yield from (dialogue.messages[-1].text, dialogue.reply)
