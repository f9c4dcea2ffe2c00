"""Inflected names: the cases in which Polish, Czech, Russian, Greek and Finnish write a name in running text.

Turkish, Hungarian and other languages add endings to an unchanged name, which is found as it is: folded text is
searched without word borders. Only names whose letters or endings show the language are inflected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytrovich.maker import PetrovichDeclinationMaker

Cases = tuple[str, ...]
"""The forms of one word by case, the nominative left out; all words of a name have the same cases in the same
order."""

_CYRILLIC = re.compile(r"[а-яё]+(?:-[а-яё]+)*", re.IGNORECASE)
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]+")
_RUSSIAN = re.compile(r"(?:ов|ев|ёв|ин|ын|ий|ова|ева|ёва|ина|ына|ая|енко|ич|вна|ук|юк|ян)$", re.IGNORECASE)
_POLISH = re.compile(r"[ąęłńśźż]|(?:sk|ck|dzk)[ia]\b|wicz\b|czyk\b", re.IGNORECASE)
_CZECH = re.compile(r"[ěřůčďťň]|ová\b", re.IGNORECASE)
_FINNISH = (
    *(("nen", "se"), ("nen", "st"), ("kivi", "kive"), ("niemi", "nieme"), ("järvi", "järve"), ("lahti", "lahde")),
    *(("mäki", "mäe"), ("joki", "joe"), ("koski", "koske"), ("saari", "saare"), ("salmi", "salme")),
    *(("lampi", "lamme"), ("virta", "virra"), ("ranta", "ranna"), ("pelto", "pello"), ("kangas", "kanka")),
)
_FINNISH_ENDINGS = tuple({ending for ending, _ in _FINNISH})


def inflected(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the words of a personal name, given names first, in each other case of the language that they show."""
    if len(words) < 2:
        return
    cases = _language(words)
    if cases is None:
        return
    female = _is_female(words)
    *given, family = words
    forms = [_hyphenated(cases, word, False, female) for word in given]
    forms.append(_hyphenated(cases, family, True, female))
    seen = {tuple(words)}
    for form in zip(*forms, strict=False):
        if form not in seen:
            seen.add(form)
            yield form


_Inflect = Callable[[str, bool, bool], Cases]


def _language(words: Sequence[str]) -> _Inflect | None:
    name = " ".join(words)
    if all(map(_CYRILLIC.fullmatch, words)):
        return _russian if _RUSSIAN.search(words[-1]) else None
    if all(map(_GREEK.fullmatch, words)):
        return _greek
    # Czech first: its letters are its own, while Polish shares the endings in -ski.
    if _CZECH.search(name):
        return _czech
    if _POLISH.search(name):
        return _polish
    return _finnish if words[-1].lower().endswith(_FINNISH_ENDINGS) else None


def _is_female(words: Sequence[str]) -> bool:
    given, family = words[0].lower(), words[-1].lower()
    if family.endswith(("ska", "cka", "dzka", "ová", "ова", "ева", "ёва", "ина", "ына", "ая")):
        return True
    if family.endswith(("ski", "cki", "dzki", "ов", "ев", "ёв", "ий", "ý")):
        return False
    return given.endswith(("a", "ie", "а", "я")) and given not in {"kuba", "barnaba", "никита", "илья", "лука"}


def _hyphenated(inflect: _Inflect, word: str, is_family: bool, female: bool) -> Cases:
    parts = [inflect(part, is_family, female) for part in word.split("-") if part]
    return tuple("-".join(form) for form in zip(*parts, strict=False))


def _polish(word: str, is_family: bool, female: bool) -> Cases:
    """Return genitive, dative, accusative, instrumental and locative."""
    low = word.lower()
    if low.endswith(("ska", "cka", "dzka")):
        stem = word[:-1]
        return stem + "iej", stem + "iej", stem + "ą", stem + "ą", stem + "iej"
    if low.endswith(("ski", "cki", "dzki", "y")) or (low.endswith("i") and not is_family):
        ending = "e" if low.endswith("y") else "ie"
        stem = word[:-1]
        genitive, dative = f"{stem}{ending}go", f"{stem}{ending}mu"
        return genitive, dative, genitive, word + "m", word + "m"
    if low.endswith("a") or (low.endswith("o") and is_family and not female):
        return _polish_in_a(word[:-1])
    if female or low.endswith(("e", "o", "u", "i")):
        return (word,) * 5
    return _polish_consonant(word)


_POLISH_SOFTENED = (
    *(("ch", "sze"), ("st", "ście"), ("k", "ce"), ("g", "dze"), ("r", "rze"), ("ł", "le"), ("t", "cie")),
    *(("d", "dzie"), ("n", "nie"), ("s", "sie"), ("z", "zie"), ("w", "wie"), ("b", "bie"), ("p", "pie")),
    *(("m", "mie"), ("f", "fie")),
)
_POLISH_HARDENED = ("k", "g", "ch", "l", "j", "c", "ż", "sz", "cz", "rz", "dz", "h", "ń", "ś", "ź", "ć")


def _polish_in_a(stem: str) -> Cases:
    low = stem.lower()
    if low.endswith(("i", "j", "l")):
        # Maria, Maja and Ola decline alike, Kasia drops an i.
        soft = (
            stem
            if low.endswith("i") and not low.endswith(("ri", "li", "di", "ti", "ki", "gi", "ci"))
            else stem + "i"
        )
        return soft, soft, stem + "ę", stem + "ą", soft
    locative = _softened(stem) or stem + "y"
    return stem + ("i" if low.endswith(("k", "g")) else "y"), locative, stem + "ę", stem + "ą", locative


def _polish_consonant(word: str) -> Cases:
    low = word.lower()
    stem = word
    if len(word) > 3 and low.endswith(("ek", "eł", "ec")):
        stem = word[:-2] + word[-1]
    elif low[-1] in "ńśźć":
        stem = word[:-1] + {"ń": "ni", "ś": "si", "ź": "zi", "ć": "ci"}[low[-1]]
    instrumental = stem + ("iem" if low.endswith(("k", "g")) else "em")
    hard = low.endswith(_POLISH_HARDENED)
    locative = stem + "u" if hard and not low.endswith("rz") else (_softened(stem) or stem + "u")
    return stem + "a", stem + "owi", stem + "a", instrumental, locative


def _softened(stem: str) -> str:
    low = stem.lower()
    if low.endswith(("sz", "cz", "rz", "dz")):
        return ""
    return next((stem[: -len(end)] + soft for end, soft in _POLISH_SOFTENED if low.endswith(end)), "")


def _czech(word: str, is_family: bool, female: bool) -> Cases:
    """Return genitive, dative, accusative, instrumental and locative."""
    low = word.lower()
    if low.endswith("á"):
        stem = word[:-1]
        return stem + "é", stem + "é", stem + "ou", stem + "ou", stem + "é"
    if low.endswith(("ý", "í")):
        stem = word[:-1] + ("é" if low.endswith("ý") else "í")
        return stem + "ho", stem + "mu", stem + "ho", word + "m", stem + "m"
    if low.endswith("ie"):
        return word[:-1] + "e", word[:-1] + "i", word[:-1] + "i", word[:-1] + "í", word[:-1] + "i"
    if low.endswith("a"):
        stem = word[:-1]
        if not female:
            return stem + "y", stem + "ovi", stem + "u", stem + "ou", stem + "ovi"
        dative = next(
            (stem[: -len(end)] + soft for end, soft in _CZECH_SOFTENED if low[:-1].endswith(end)), stem + "ě"
        )
        return stem + "y", dative, stem + "u", stem + "ou", dative
    if female or low.endswith(("e", "o", "i", "u", "ů")):
        return (word,) * 5
    fleeting = low.endswith(("ek", "ěk", "ec")) or low in ("karel", "pavel", "havel")
    stem = word[:-2] + word[-1] if fleeting and len(word) > 3 else word
    soft = low.endswith(("š", "č", "ř", "ž", "c", "j", "ď", "ť", "ň"))
    if soft:
        return stem + "e", stem + "ovi", stem + "e", stem + "em", stem + "i"
    return stem + "a", stem + "ovi", stem + "a", stem + "em", stem + "u"


_CZECH_SOFTENED = (
    ("ch", "še"),
    ("k", "ce"),
    ("h", "ze"),
    ("g", "ze"),
    ("r", "ře"),
    ("l", "le"),
    ("s", "se"),
    ("z", "ze"),
)


def _greek(word: str, is_family: bool, female: bool) -> Cases:
    """Return genitive and accusative or vocative; a woman's name and family name add or keep endings."""
    for ending, genitive in (("ος", "ου"), ("ός", "ού"), ("ης", "η"), ("ής", "ή"), ("ας", "α"), ("άς", "ά")):
        if word.endswith(ending):
            return word[: -len(ending)] + genitive, word[:-1]
    return word, word


def _finnish(word: str, is_family: bool, female: bool) -> Cases:
    """Return the stems to which Finnish adds its endings."""
    if not is_family:
        return word, word
    stems = [word[: -len(end)] + stem for end, stem in _FINNISH if word.lower().endswith(end)]
    return (stems[0], stems[-1]) if stems else (word, word)


def _russian(word: str, is_family: bool, female: bool) -> Cases:
    from pytrovich.enums import Case, Gender, NamePart

    part = NamePart.LASTNAME if is_family else NamePart.FIRSTNAME
    if not is_family and word.lower().endswith(("вич", "вна", "ьич", "ична")):
        part = NamePart.MIDDLENAME
    gender = Gender.FEMALE if female else Gender.MALE
    return tuple(_petrovich().make(part, gender, case, word) for case in Case if case is not Case.NOMINATIVE)


@cache
def _petrovich() -> PetrovichDeclinationMaker:
    from pytrovich.maker import PetrovichDeclinationMaker

    return PetrovichDeclinationMaker()
