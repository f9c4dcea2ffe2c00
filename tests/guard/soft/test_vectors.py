from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from guard.errors import ModelUnavailable, StoreUnavailable
from guard.soft.vectors import MAX_UNSAVED_TEXTS, vectors_of

TEXTS = [f"word {number}" for number in range(MAX_UNSAVED_TEXTS + 40)]


class Failing:
    """Embeds a number of times and then no more."""

    name = "words"
    dimension = 128

    def __init__(self, embedder, times: int) -> None:  # type: ignore[no-untyped-def]
        self._embedder = embedder
        self.left = times

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        if not self.left:
            raise ModelUnavailable("killed")
        self.left -= 1
        return self._embedder.embed(texts)


def test_vectors_are_those_of_the_embedder_and_embedded_once(embedder, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    told: list[tuple[int, int]] = []
    first = vectors_of(TEXTS, embedder, tmp_path, lambda done, total: told.append((done, total)))
    assert told == [(MAX_UNSAVED_TEXTS, len(TEXTS)), (len(TEXTS), len(TEXTS))]
    assert np.array_equal(vectors_of(TEXTS, Failing(embedder, 0), tmp_path), first)
    assert np.array_equal(first, embedder.embed(TEXTS))


def test_a_killed_run_is_resumed(embedder, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelUnavailable):
        vectors_of(TEXTS, Failing(embedder, 1), tmp_path)
    rest = Failing(embedder, 1)
    assert np.array_equal(vectors_of(TEXTS, rest, tmp_path), embedder.embed(TEXTS))
    assert rest.left == 0
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_other_texts_and_other_embedders_have_files_of_their_own(embedder, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    vectors_of(TEXTS[:3], embedder, tmp_path)
    other = Failing(embedder, 2)
    other.name = "others"
    vectors_of(TEXTS[:3], other, tmp_path)
    vectors_of(TEXTS[:4], other, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_an_error(embedder, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        vectors_of(TEXTS[:3], embedder, tmp_path / "file")
