"""The cache of converted GGUF files on disk: converted on first use, then found by the digest of the source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from guard.errors import ModelUnavailable
from serving.demo.cache import ensure
from serving.gguf.progress import Say, progress

CONVERSION_VERSION = 1
"""Part of the cache key: raise it when the same file is converted to other weights, tokenizer or settings."""
NOTHING: Mapping[str, float] = MappingProxyType({})


def ensure_converted(source: Path, folder: Path, sampling: Mapping[str, float] = NOTHING) -> Path:
    """Return the folder of the GGUF file `source`, converted, below `folder`; convert it first if it is missing.

    It holds safetensors in bfloat16, tokenizer, chat template, and `source.json` with the SHA-256 of `source`.
    `sampling` are settings that requests without them get, as in generation_config.json. A second process waits
    for the first; progress goes to standard error. Nothing is downloaded. Raises ModelUnavailable.
    """
    with progress(f"converting {source.name} (once)") as say:
        say("reading the file")
        try:
            with source.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelUnavailable(f"the model file cannot be read: {error.strerror}") from None
        key = hashlib.sha256(json.dumps([CONVERSION_VERSION, digest, dict(sampling)]).encode()).hexdigest()
        return ensure(folder, key, partial(_prepare, source, digest, sampling, say), prefix="gguf")


def _prepare(source: Path, digest: str, sampling: Mapping[str, float], say: Say, folder: Path) -> None:
    # Imported late: finding a converted model must not cost the seconds that torch takes to load.
    from serving.gguf.convert import convert

    convert(source, folder, sampling, say)
    (folder / "source.json").write_text(
        json.dumps({"file": source.name, "sha256": digest}) + "\n", encoding="utf-8"
    )
