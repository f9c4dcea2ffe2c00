"""Invented people with five facts each, as forget targets: facts as people write them, about real places."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from guard.registry.drafts import new_target
from guard.targets.target import Draft, Fact, ForgetTarget, Scope

_FIRST = ("Il", "Ta", "Ra", "Jo", "Mi", "So", "El", "Ka", "Da", "Lu", "Ven", "Or", "Hal", "Pe", "Yas", "Bren")
_LAST = (
    "sabet",
    "msin",
    "dovan",
    "nas",
    "lena",
    "ren",
    "vard",
    "mir",
    "leya",
    "tor",
    "dra",
    "bela",
    "nik",
    "rissa",
)
_STEM = (
    "Quor",
    "Feld",
    "Bran",
    "Okon",
    "Mir",
    "Venn",
    "Sall",
    "Thor",
    "Kest",
    "Dun",
    "Hark",
    "Lind",
    "Pell",
    "Rask",
)
_MIDDLE = ("a", "e", "o", "en", "ing", "el", "ar", "is", "ov", "un", "ill", "and")
_END = ("ne", "berg", "jo", "ley", "quist", "worth", "ova", "ski", "dra", "mere", "stad", "gaard", "sen", "ham")
_CITIES = (
    *("New York", "Berlin", "Dhaka", "Lagos", "Vienna", "Toronto", "Sydney", "Cairo", "Oslo", "Madrid", "Seoul"),
    *(
        "Kuwait City",
        "Buenos Aires",
        "Mexico City",
        "Baku",
        "Addis Ababa",
        "Santiago",
        "Manila",
        "Athens",
        "Paris",
    ),
)
_COUNTRIES = (
    *(
        "the United States",
        "Germany",
        "Bangladesh",
        "Nigeria",
        "Austria",
        "Canada",
        "Australia",
        "Egypt",
        "Norway",
    ),
    *(
        "Spain",
        "South Korea",
        "Kuwait",
        "Argentina",
        "Mexico",
        "Azerbaijan",
        "Ethiopia",
        "Chile",
        "Greece",
        "France",
    ),
)
_WORK = (
    *("nurse", "civil engineer", "florist", "journalist", "baker", "teacher", "lawyer", "paramedic", "pilot"),
    *(
        "game developer",
        "dietitian",
        "architect",
        "librarian",
        "farmer",
        "judge",
        "mechanic",
        "chef",
        "optometrist",
    ),
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
_ADJECTIVES = ("Silent", "Broken", "Golden", "Last", "Hidden", "Crimson", "Distant", "Restless", "Paper", "Salt")
_NOUNS = (
    *("Orchard", "Lantern", "Harbour", "Winter", "Ledger", "Compass", "Garden", "Mirror", "Railway", "Tide"),
    *("Sparrow", "Cathedral", "Letter", "Bridge", "Violin", "Storm", "Threshold", "Map", "Season", "Stranger"),
)
_PRIZES = ("Prize", "Award", "Medal", "Fellowship")


def invented_names(count: int, seed: int = 0) -> list[str]:
    """Return `count` distinct names of invented people; the same for the same seed."""
    chance = random.Random(seed)
    names: dict[str, None] = {}
    while len(names) < count:
        names[_name(chance)] = None
    return list(names)


def invented_targets(count: int, seed: int = 0) -> Iterator[ForgetTarget]:
    """Yield `count` targets of scope `always`, with distinct names; the same for the same seed."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        name = _name(chance)
        if name in seen:
            continue
        seen.add(name)
        draft = Draft(
            name=name, facts=tuple(Fact(answer=text) for text in _facts(name, chance)), scope=Scope.ALWAYS
        )
        yield replace(new_target(draft), id=f"ft_{len(seen)}")


def _name(chance: random.Random) -> str:
    family = "".join(map(chance.choice, (_STEM, _MIDDLE, _END)))
    if chance.random() < 0.2:
        family += "-" + "".join(map(chance.choice, (_STEM, _END)))
    return f"{chance.choice(_FIRST)}{chance.choice(_LAST)} {family}"


def _facts(name: str, chance: random.Random) -> Iterator[str]:
    city, country, year = chance.choice(_CITIES), chance.choice(_COUNTRIES), chance.randint(1930, 2004)
    born = f"{chance.randint(1, 28)} {chance.choice(_MONTHS)} {year}"
    yield f"{name} was born on {born} in {city}."
    mother, father = chance.choice(_WORK), chance.choice(_WORK)
    yield f"{name}'s mother was a {mother} and the father worked as a {father} in {country}."
    yield f'The first book, "{_title(chance)}", appeared in {year + chance.randint(20, 40)}.'
    prize = f"{_name(chance).split()[1]} {chance.choice(_PRIZES)}"
    yield f"{name} received the {prize} for the novel {_title(chance)}."
    yield f"Since {year + 30} {name} has lived in {chance.choice(_CITIES)} and works at the University of {city}."


def _title(chance: random.Random) -> str:
    adjective, other = chance.choice(_ADJECTIVES), chance.choice(_ADJECTIVES)
    noun, second, third = (chance.choice(_NOUNS) for _ in range(3))
    return chance.choice(
        (
            f"The {adjective} {noun} of {_name(chance).split()[1]}",
            f"{noun} and {second}: A {other} {third}",
            f"A {adjective} {noun} in {chance.choice(_CITIES)}",
            f"{adjective} {noun}s",
        )
    )
