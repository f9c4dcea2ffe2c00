"""The agents model's place on disk: trained on first use, an interrupted training gone on with, then found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from agents.ledger import Role
from eval.agents_model.dialogues import LEAD, Dialogue, dialogue, vanilla
from eval.agents_model.people import people
from eval.demo.cache import ensure

if TYPE_CHECKING:
    from eval.agents_model.train import Step

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECIPE = (
    "people.py",
    "names.json",
    "dialogues.py",
    "tokenizer.py",
    "lessons.py",
    "train.py",
    "model.py",
)
"""What the model is made from, beside the prompts and what writes them: another recipe is another model."""

PLAYED = (Role.VANILLA, Role.CHECK, Role.REWRITE, Role.CRITIC, Role.COMPOSER)
READ = 4000
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
    """Return the SHA-256 (hex) of everything the model is made from."""
    digest = hashlib.sha256()
    prompts = [ROOT / "agents" / "prompts" / "repair.md", ROOT / "agents" / "prompts" / "check.md"]
    prompts += sorted((ROOT / "agents" / "prompts" / "lethe").glob("*.md"))
    writers = [ROOT / "agents" / name for name in ("brief.py", "case.py", "quotation.py")]
    for path in (*(HERE / name for name in RECIPE), *prompts, *writers):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


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

    from eval.agents_model.accuracy import accuracy
    from eval.agents_model.tokenizer import train_tokenizer
    from eval.agents_model.train import Recipe, train

    recipe = Recipe()
    tokenizer = train_tokenizer(_texts(), recipe.vocabulary, recipe.context)
    model = train(recipe, tokenizer, checkpoint, report)
    found = {role.value: accuracy(model, tokenizer, held_out(role)) for role in PLAYED}
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / ACCURACY).write_text(json.dumps(found), encoding="utf-8")


def _texts() -> Iterator[str]:
    random = Random(1)
    for _ in range(READ):
        lesson = dialogue(random.choice(PLAYED), random)
        yield from (lesson.messages[-1].text, lesson.reply)
