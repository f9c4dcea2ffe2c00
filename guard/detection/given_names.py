"""Short and full forms of given names: Tom is Thomas in full."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from guard.text.normalise import fold


def other_forms(given: str) -> frozenset[str]:
    """Return, folded, the full forms of a folded short given name and the short forms of a full one; English."""
    return _forms().get(given, frozenset())


@cache
def _forms() -> dict[str, frozenset[str]]:
    lines = files("guard.detection").joinpath("given_names.txt").read_text("utf-8").splitlines()
    found: dict[str, set[str]] = {}
    for full, *short in (map(fold, line.split()) for line in lines if not line.startswith("#")):
        found.setdefault(full, set()).update(short)
        for name in short:
            found.setdefault(name, set()).add(full)
    return {name: frozenset(others) for name, others in found.items()}
