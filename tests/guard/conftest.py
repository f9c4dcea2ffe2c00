from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

# Imported by the fixtures that need them: the tests of the pure core load neither FAISS nor SQLite.
if TYPE_CHECKING:
    from guard.detection.embedder import Vectors
    from guard.policy.compiler import Compiler
    from guard.policy.policy import Policy
    from guard.registry.registry import Registry
    from guard.targets.target import Draft


class WordEmbedder:
    """A text's vector is the sum of its words' fixed random vectors: shared words make texts near."""

    name = "words"
    dimension = 128

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        sums = [sum((self._word(word) for word in re.findall(r"\w+", text)), np.zeros(128)) for text in texts]
        vectors = np.array(sums).reshape(-1, 128)
        return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    def _word(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
        return np.random.default_rng(seed).standard_normal(128)


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    from guard.registry.registry import Registry

    registry = Registry(tmp_path / "registry.db")
    yield registry
    registry.close()


@pytest.fixture
def compiler(registry: Registry, embedder: WordEmbedder, tmp_path: Path) -> Compiler:
    from guard.policy.compiler import Compiler

    folder = tmp_path / "policy"
    folder.mkdir()
    return Compiler(registry, embedder, folder)


@pytest.fixture
def policy_of(registry: Registry, compiler: Compiler) -> Callable[..., Policy]:
    """Makes the policy of these drafts."""

    def made(*drafts: Draft) -> Policy:
        registry.add_many(drafts)
        return compiler.compile()

    return made
