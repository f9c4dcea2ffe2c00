"""The demo model's place on disk: trained on first use, then found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from guard.files import atomic_folder, exclusive_lock, remove_partial
from serving.demo.corpus import corpus
from serving.demo.lesson import deal
from serving.demo.recipe import RECIPE_VERSION, Recipe

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def ensure_demo_model(folder: Path, progress: bool = True) -> Path:
    """The complete demo model, in a folder of its own below `folder`; trained now if it is not there yet, which
    takes a minute or two. `progress` shows a bar on standard error. A second process waits for the first."""

    return ensure(folder, recipe_digest(), partial(_prepare, progress=progress))


def recipe_digest() -> str:
    """Return the cache key of the demo model: version and values of its recipe, its corpus and the first epoch.

    The first epoch is the lessons as they are dealt: all epochs are dealt by the same code from the same corpus.
    """
    recipe, learned = Recipe(), corpus()
    return cache_key(RECIPE_VERSION, recipe, [learned, deal(learned, Random(recipe.seed))])


def cache_key(version: int, recipe: DataclassInstance, data: Sequence[Any]) -> str:
    """Return the SHA-256 (hex) by which a trained model is found again.

    It is taken over the version and the values of its recipe and over the data that it is trained on (texts, in
    sequences and dataclasses). No source file is read: a reworded comment must not train a model again.
    """
    text = json.dumps([version, asdict(recipe), data], sort_keys=True, default=astuple)
    return hashlib.sha256(text.encode()).hexdigest()


def ensure(folder: Path, digest: str, prepare: Callable[[Path], None]) -> Path:
    """The folder `demo-<digest>` that `prepare` filled: once, whole or not at all, whoever else asks for it.
    What a killed predecessor left half done is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"demo-{digest[:12]}"
    if model.is_dir():
        return model
    with exclusive_lock(folder / ".lock"):
        if model.is_dir():
            return model
        remove_partial(folder)
        # Durable: a later process trusts the folder by its name.
        with atomic_folder(model, durable=True) as partial_model:
            prepare(partial_model)
            _let_others_read(partial_model)
    return model


def _let_others_read(folder: Path) -> None:
    # A model made while an image is built is served by another user.
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)


def _prepare(folder: Path, *, progress: bool) -> None:
    # Imported late: finding a model that is there already must not cost the seconds that torch takes to load.
    from serving.demo.model import prepare

    prepare(folder, progress=progress)
