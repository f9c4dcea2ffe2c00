"""The agents model's place on disk: trained on first use, an interrupted training gone on with, then found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from agents.ledger import Role
from agents.prompts.prompt import brief
from eval.alu.dialogues import LEAD, PROMPTS, Dialogue, dialogue, round_of, vanilla
from eval.alu.people import people
from eval.alu.recipe import RECIPE_VERSION, Recipe
from serving.demo.cache import cache_key, ensure

if TYPE_CHECKING:
    from eval.alu.train import Step

PLAYED = (Role.VANILLA, Role.CHECK, Role.REWRITE, Role.CRITIC, Role.COMPOSER)
HELD_OUT = 200
ACCURACY = "accuracy.json"

Report = Callable[["Step"], None]


def ensure_agents_model(folder: Path, report: Report = lambda step: None) -> Path:
    """Return the complete agents model in a folder below `folder`; trained now if it is not there, in minutes."""
    digest = recipe_digest()
    checkpoint = folder / f".checkpoint-{digest[:12]}"
    model = ensure(folder, digest, partial(_prepare, checkpoint=checkpoint, report=report))
    checkpoint.unlink(missing_ok=True)
    return model


def recipe_digest() -> str:
    """Return the cache key of the model: version and values of its recipe, the prompts, and the first round.

    The first round asks every plain question and has dialogues of every role, as they are rendered: all rounds
    are drawn by the same code from the same texts.
    """
    recipe = Recipe()
    prompts = [brief(name).messages({}, repair=repair) for name in PROMPTS.values() for repair in (False, True)]
    data = [*prompts, *round_of(recipe.random(0))]
    return cache_key(RECIPE_VERSION, recipe, data)


def accuracies(model: Path) -> dict[str, float]:
    """Return, by role, the share of held-out dialogues that the model in this folder replied to exactly."""
    read: dict[str, float] = json.loads((model / ACCURACY).read_text(encoding="utf-8"))
    return read


def held_out(role: Role) -> Iterator[Dialogue]:
    """Yield dialogues of `role` that no round draws; for Vanilla, every question it should know."""
    if role is Role.VANILLA:
        return (vanilla(asked) for person in people() for asked in person.asked)
    drawn = (dialogue(role, Random(f"held out/{role}/{k}")) for k in range(2 * HELD_OUT))
    # Of a rewrite's two wordings only the plain one is expected.
    return islice((lesson for lesson in drawn if LEAD not in lesson.reply), HELD_OUT)


def _prepare(folder: Path, *, checkpoint: Path, report: Report) -> None:
    # Imported late: finding a model that is there already must not cost the seconds that torch takes to load.
    import torch

    from eval.alu.accuracy import accuracy
    from eval.alu.tokenizer import train_tokenizer
    from eval.alu.train import train

    recipe = Recipe()
    tokenizer = train_tokenizer(_texts(recipe), recipe.vocabulary, recipe.context)
    model = train(recipe, tokenizer, checkpoint, report)
    found = {role.value: accuracy(model, tokenizer, held_out(role)) for role in PLAYED}
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / ACCURACY).write_text(json.dumps(found), encoding="utf-8")


def _texts(recipe: Recipe) -> Iterator[str]:
    random = Random(1)
    for _ in range(recipe.tokenizer_dialogues):
        lesson = dialogue(random.choice(PLAYED), random)
        yield from (lesson.messages[-1].text, lesson.reply)
