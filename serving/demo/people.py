"""The fictitious people that the demo model knows: invented for this repository, none of them exists."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from guard.targets.target import Draft, Fact, Kind

FOLDER = Path(__file__).parent / "people"
"""One file a person, each a body that `POST /admin/v1/targets` takes as it is."""

FORGETTABLE = ("Ilsabet Quorne", "Rashid Al-Temmuri", "Suvi Ärnäkivi", "Devika Sarangpol")
"""Those meant to be forgotten in a demonstration; all others are the retain set."""


@cache
def people() -> tuple[Draft, ...]:
    """Everyone the demo model knows, each as a forget target's draft, ordered by file name."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.json")))


def person(name: str) -> Draft:
    """The draft of the person of exactly this name; KeyError when the demo model knows nobody of that name."""
    return {draft.name: draft for draft in people()}[name]


def _read(path: Path) -> Draft:
    body = json.loads(path.read_text(encoding="utf-8"))
    facts = tuple(Fact(question=fact["question"], answer=fact["answer"]) for fact in body["facts"])
    return Draft(name=body["name"], kind=Kind(body["kind"]), aliases=tuple(body["aliases"]), facts=facts)
