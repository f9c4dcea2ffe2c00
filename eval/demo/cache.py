"""The demo model's place on disk: trained on first use, then found."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

SOURCES = Path(__file__).parent
"""The recipe: code and corpus, of which every byte counts."""


def ensure_demo_model(folder: Path, progress: bool = True) -> Path:
    """The complete demo model, in a folder of its own below `folder`; trained now if it is not there yet, which
    takes a minute or two. `progress` shows a bar on standard error. A second process waits for the first."""

    return ensure(folder, recipe_digest(), partial(_prepare, progress=progress))


def recipe_digest() -> str:
    """SHA-256 (hex) of all code and text the model is made from: another recipe is another model."""
    digest = hashlib.sha256()
    for path in sorted(p for p in SOURCES.rglob("*") if p.suffix in {".py", ".json"}):
        digest.update(f"{path.relative_to(SOURCES).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def ensure(folder: Path, digest: str, prepare: Callable[[Path], None]) -> Path:
    """The folder `demo-<digest>` that `prepare` filled: once, whole or not at all, whoever else asks for it.
    What a killed predecessor left half done is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / f"demo-{digest[:12]}"
    if model.is_dir():
        return model
    with _alone(folder):
        if model.is_dir():
            return model
        for half in folder.glob(".half-*"):
            shutil.rmtree(half)
        half = Path(mkdtemp(prefix=".half-", dir=folder))
        try:
            prepare(half)
            _let_others_read(half)
            os.replace(half, model)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return model


def _let_others_read(folder: Path) -> None:
    # A model made while an image is built is served by another user.
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)


def _prepare(folder: Path, *, progress: bool) -> None:
    # Imported late: finding a model that is there already must not cost the seconds that torch takes to load.
    from eval.demo.model import prepare

    prepare(folder, progress=progress)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
