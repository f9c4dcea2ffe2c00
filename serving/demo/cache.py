"""The cache of the demo model on disk: trained on first use, then found."""

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
    """Return the demo model's folder below `folder`; train it first if it is missing (a minute or two).

    `progress` shows a bar on standard error. A second process waits for the first.
    """

    return ensure(folder, recipe_digest(), partial(_prepare, progress=progress))


def recipe_digest() -> str:
    """Return the cache key of the demo model: version and values of its recipe, its corpus and the first epoch.

    The first epoch stands for all: the same code deals them from the same corpus.
    """
    recipe, learned = Recipe(), corpus()
    return cache_key(RECIPE_VERSION, recipe, [learned, deal(learned, Random(recipe.seed))])


def cache_key(version: int, recipe: DataclassInstance, data: Sequence[Any]) -> str:
    """Return the cache key of a trained model, a SHA-256 in hex.

    It covers the version and values of the recipe and the training data (texts, in sequences and dataclasses). It
    covers no source file, so that a reworded comment does not retrain a model.
    """
    text = json.dumps([version, asdict(recipe), data], sort_keys=True, default=astuple)
    return hashlib.sha256(text.encode()).hexdigest()


def ensure(folder: Path, digest: str, prepare: Callable[[Path], None], prefix: str = "demo") -> Path:
    """Return the folder `<prefix>-<digest>`, filled by `prepare` if it is missing: once, atomically, under a lock.

    Partial folders of processes that died are removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"{prefix}-{digest[:12]}"
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
    # A model that was trained while an image was built is served by another user.
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)


def _prepare(folder: Path, *, progress: bool) -> None:
    # Imported late: finding a cached model must not cost the seconds that torch takes to load.
    from serving.demo.model import prepare

    prepare(folder, progress=progress)
