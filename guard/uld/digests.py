"""Digests of a model's files, which say what an assistant belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from guard.errors import ModelUnavailable

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt")


def of_weights(folder: str | Path) -> str:
    """Return the sha256 of the names and contents of a model's safetensors files.

    Raises ModelUnavailable when there are none, or one cannot be read.
    """
    return _of_files(sorted(_local(folder).glob("*.safetensors")), "weights")


def of_tokenizer(folder: str | Path) -> str:
    """Return the sha256 of the names and contents of a tokenizer's files. Raises as `of_weights` does."""
    local = _local(folder)
    return _of_files([local / name for name in _TOKENIZER_FILES if (local / name).is_file()], "tokenizer")


def of_file(path: Path) -> str:
    """Return the sha256 of a file's content; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_texts(texts: Iterable[str]) -> str:
    """Return a sha256 of a sequence of texts, different for different splits of one text."""
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "replace")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def _local(folder: str | Path) -> Path:
    if Path(folder).is_dir():
        return Path(folder)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(folder), local_files_only=True))
    except Exception as error:
        raise ModelUnavailable(f"the model's files are not on this machine: {type(error).__name__}") from error


def _of_files(paths: list[Path], what: str) -> str:
    try:
        stamps = tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
        if not stamps:
            raise ModelUnavailable(f"the model has no {what} files")
        return _of_stamped(stamps)
    except OSError as error:
        raise ModelUnavailable(f"the model's {what} cannot be read: {type(error).__name__}") from error


@lru_cache(maxsize=16)
def _of_stamped(stamps: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, _, _ in stamps:
        path = Path(name)
        digest.update(path.name.encode() + bytes.fromhex(of_file(path)))
    return digest.hexdigest()
