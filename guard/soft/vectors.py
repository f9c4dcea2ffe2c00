"""Vectors of a long list of texts, embedded once and kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from guard.detection.embedder import Embedder, Vectors
from guard.errors import StoreUnavailable

# So many texts are embedded between two marks of how far it has come; a killed run loses no more.
CHUNK = 512

Progress = Callable[[int, int], None]
"""Told how many of how many texts are embedded."""


def vectors_of(
    texts: Sequence[str], embedder: Embedder, folder: Path, progress: Progress | None = None
) -> Vectors:
    """Return the unit vectors float32 [texts, dimension] of `texts`, mapped from a file in `folder`.

    The file is named by the texts and the embedder, made where it is missing, and gone on with where a run was
    killed. Raises StoreUnavailable when it cannot be written, ModelUnavailable as the embedder does.
    """
    name = hashlib.sha256("\0".join((embedder.name, *texts)).encode()).hexdigest()[:32]
    path = folder / f"{name}.npy"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _embed(texts, embedder, path, progress)
        vectors: Vectors = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise StoreUnavailable("the vectors of a vocabulary cannot be kept") from error
    return vectors


def _embed(texts: Sequence[str], embedder: Embedder, path: Path, progress: Progress | None) -> None:
    partial, mark = path.with_suffix(".partial"), path.with_suffix(".done")
    done = int(mark.read_text()) if mark.exists() and partial.exists() else 0
    shape = (len(texts), embedder.dimension)
    new = {} if done else {"dtype": np.float32, "shape": shape}
    array: Vectors = np.lib.format.open_memmap(partial, mode="r+" if done else "w+", **new)  # type: ignore[no-untyped-call]
    for start in range(done, len(texts), CHUNK):
        end = min(start + CHUNK, len(texts))
        array[start:end] = embedder.embed(texts[start:end])
        array.flush()  # type: ignore[attr-defined]
        mark.write_text(str(end))
        if progress is not None:
            progress(end, len(texts))
    os.replace(partial, path)
    mark.unlink(missing_ok=True)
