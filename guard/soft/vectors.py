"""Vectors of a long list of texts, embedded once and kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from guard.detection.embedder import Embedder, Vectors
from guard.errors import StoreUnavailable

# Texts embedded between two checkpoints: a killed run loses no more than these.
MAX_UNSAVED_TEXTS = 512

EmbeddingProgress = Callable[[int, int], None]
"""Called with the number of texts embedded so far, and of all texts."""


def vectors_of(
    texts: Sequence[str], embedder: Embedder, folder: Path, progress: EmbeddingProgress | None = None
) -> Vectors:
    """Return the unit vectors float32 [texts, dimension] of `texts`, mapped from a file in `folder`.

    The file is named by a digest of the texts and the embedder's name. It is made if missing, and a killed run is
    resumed. Raises StoreUnavailable when it cannot be written, ModelUnavailable as the embedder does.
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


def _embed(texts: Sequence[str], embedder: Embedder, path: Path, progress: EmbeddingProgress | None) -> None:
    partial, mark = path.with_suffix(".partial"), path.with_suffix(".done")
    done = int(mark.read_text()) if mark.exists() and partial.exists() else 0
    shape = (len(texts), embedder.dimension)
    new = {} if done else {"dtype": np.float32, "shape": shape}
    array: Vectors = np.lib.format.open_memmap(partial, mode="r+" if done else "w+", **new)  # type: ignore[no-untyped-call]
    for start in range(done, len(texts), MAX_UNSAVED_TEXTS):
        end = min(start + MAX_UNSAVED_TEXTS, len(texts))
        array[start:end] = embedder.embed(texts[start:end])
        array.flush()  # type: ignore[attr-defined]
        mark.write_text(str(end))
        if progress is not None:
            progress(end, len(texts))
    os.replace(partial, path)
    mark.unlink(missing_ok=True)
