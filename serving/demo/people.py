"""The fictitious people that the demo model knows. They were invented for this repository."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from guard.targets.target import Draft, Fact, Kind

FOLDER = Path(__file__).parent / "people"
"""One file per person, each a valid body of `POST /admin/v1/targets`."""

FORGETTABLE = ("Ilsabet Quorne", "Rashid Al-Temmuri", "Suvi Ärnäkivi", "Devika Sarangpol")
"""The people to forget in a demonstration; all others are the retain set."""


@cache
def people() -> tuple[Draft, ...]:
    """Return everyone whom the demo model knows, as drafts of forget targets, ordered by file name."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.json")))


def person(name: str) -> Draft:
    """Return the draft of the person with this exact name; KeyError if there is none."""
    return {draft.name: draft for draft in people()}[name]


def _read(path: Path) -> Draft:
    body = json.loads(path.read_text(encoding="utf-8"))
    facts = tuple(Fact(question=fact["question"], answer=fact["answer"]) for fact in body["facts"])
    return Draft(name=body["name"], kind=Kind(body["kind"]), aliases=tuple(body["aliases"]), facts=facts)
