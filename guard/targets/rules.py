"""The version of the rules by which phrases and variants are made."""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_GUARD = Path(__file__).parents[1]
# What phrases and variants are made by: code, word lists, and the libraries whose tables decide.
_SOURCES = ("phrases", "variants", "patterns", "text", "targets/phrases.py")
_LIBRARIES = ("babel", "phonenumbers", "python-stdnum", "pytrovich")


@cache
def rules_version() -> str:
    """Return a digest of the rules, that changes with any of their files and libraries and with Unicode's."""
    digest = hashlib.sha256(unicodedata.unidata_version.encode())
    for library in _LIBRARIES:
        digest.update(f"\0{library} {_installed(library)}".encode())
    for source in _SOURCES:
        path = _GUARD / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(f"\0{file.relative_to(_GUARD)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
