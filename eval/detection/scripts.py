"""How many names are found in another script than their own, and what else is taken for them.

Names are pairs of cities of CLDR's time zones, whose names each language writes as it hears them or has a name of
its own for; names of nobody are pairs of a given name and a place of the word lists, and prose is words by their
frequency.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from guard.evidence.transliteration import TransliteratedNames, sounding_names
from guard.text.lexicon import LANGUAGES, given_names, places, words_used

MADE_WITH = ("ru", "ja", "ar")
"""The languages that the classes of sounds and the bounds were made with."""
HELD_OUT = ("uk", "bg", "sr", "el", "hy", "ka", "ko", "he", "fa", "hi")
NAMES = 500
"""Of a language that are looked for, and of nobody."""
PROSE_WORDS = 50
MIN_FREQUENCY = 1e-6
"""Of a word of prose."""
_SCRIPTS = {
    "ru": "CYRILLIC",
    "uk": "CYRILLIC",
    "bg": "CYRILLIC",
    "sr": "CYRILLIC",
    "el": "GREEK",
    "ja": "KATAKANA",
}
_SCRIPTS |= {"ar": "ARABIC", "fa": "ARABIC", "he": "HEBREW", "ko": "HANGUL", "hi": "DEVANAGARI", "ka": "GEORGIAN"}
_SCRIPTS |= {"hy": "ARMENIAN"}
_MIN_CHARS = 3
_MIN_GIVEN_NAMES = 100


class City(NamedTuple):
    """A city as English and as another language has it."""

    english: str
    other: str


class ScriptRow(NamedTuple):
    """Of a language: the share of names found, among so many cities, and of names of nobody and of texts of
    PROSE_WORDS words those in which one of `targets` is found; no texts of a language without a word list."""

    language: str
    cities: int
    targets: int
    found: float
    mistaken: float
    alarmed: float | None


def measure_scripts(targets: int, seed: int = 0) -> list[ScriptRow]:
    """Return a row for each language, among so many targets."""
    return [_measured(language, targets, random.Random(seed)) for language in (*MADE_WITH, *HELD_OUT)]


def markdown(rows: Sequence[ScriptRow]) -> str:
    """Return the rows as a table."""
    heads = (
        "language",
        "cities",
        "among",
        "names found",
        "of nobody, mistaken",
        f"texts of {PROSE_WORDS} words, alarmed",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        language = f"{row.language} (made with)" if row.language in MADE_WITH else row.language
        alarmed = "" if row.alarmed is None else f"{row.alarmed:.3f}"
        cells = (language, str(row.cities), f"{row.targets:,}", f"{row.found:.3f}", f"{row.mistaken:.3f}", alarmed)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def cities(language: str) -> list[City]:
    """Return the cities of time zones with names of one word in English and in `language`."""
    from babel import Locale

    english, other = (_city_names(Locale(code).time_zones) for code in ("en", language))
    found = []
    for zone, name in other.items():
        plain = english.get(zone) or zone.rpartition("/")[2].replace("_", " ")
        if plain.isalpha() and all(map(_is_letter, name)) and plain != name:
            found.append(City(plain, name))
    return found


def _measured(language: str, targets: int, chance: random.Random) -> ScriptRow:
    known = cities(language)
    between = "・" if language == "ja" else " "
    pairs = [chance.sample(known, 2) for _ in range(targets)]
    names = {
        str(number): sounding_names([" ".join(city.english for city in pair)]) for number, pair in enumerate(pairs)
    }
    finder = TransliteratedNames(names)
    looked = [chance.randrange(targets) for _ in range(NAMES)]
    found = sum(str(at) in finder.found(between.join(city.other for city in pairs[at]), targets) for at in looked)
    given, places_there = _names_of(_SCRIPTS[language])
    nobody = [between.join((chance.choice(given), chance.choice(places_there))) for _ in range(NAMES)]
    invented = _invented(targets, chance)
    mistaken = sum(bool(invented.found(name, targets)) for name in nobody)
    texts = _prose(language, chance)
    alarmed = sum(bool(invented.found(text, targets)) for text in texts) / NAMES if texts else None
    return ScriptRow(language, len(known), targets, found / NAMES, mistaken / NAMES, alarmed)


def _prose(language: str, chance: random.Random) -> list[str]:
    """Return texts of words as frequent as they are in the language, all in small letters; none without a list."""
    words = list(words_used(language, MIN_FREQUENCY)) if language in LANGUAGES else []
    said, often = [word for word, _ in words], [share for _, share in words]
    return [" ".join(chance.choices(said, often, k=PROSE_WORDS)) for _ in range(NAMES if words else 0)]


def _invented(targets: int, chance: random.Random) -> TransliteratedNames:
    """Return so many names of a given name and a place in Latin letters."""
    given, there = _names_of("LATIN")
    names = (f"{chance.choice(given).title()} {chance.choice(there).title()}" for _ in range(targets))
    return TransliteratedNames({str(number): sounding_names([name]) for number, name in enumerate(names)})


def _names_of(script: str) -> tuple[list[str], list[str]]:
    """Return the given names and the places of the word lists in a script; places for both if it has few names."""
    given, there = (sorted(name for name in every if _is_of(name, script)) for every in (given_names(), places()))
    return (given if len(given) >= _MIN_GIVEN_NAMES else there), there


def _is_of(name: str, script: str) -> bool:
    is_word = len(name) >= _MIN_CHARS and all(map(_is_letter, name))
    return is_word and unicodedata.name(name[0], "").startswith(script)


def _is_letter(char: str) -> bool:
    return char.isalpha() or unicodedata.category(char).startswith("M")


def _city_names(zones: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {zone: names["city"] for zone, names in zones.items() if names.get("city")}
