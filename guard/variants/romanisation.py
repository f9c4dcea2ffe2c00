"""Names of Cyrillic and Greek letters in Latin ones, as other languages write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import normalize

from guard.text.borders import needs_border
from guard.text.normalise import fold
from guard.variants.frequency import is_rare_name
from guard.variants.variant import Variant, VariantKind

MIN_FAMILY_NAME_CHARS = 6
"""Latin letters of a rare family name that is forbidden alone."""

_CYRILLIC = re.compile(r"[а-яёіїєґў'’ -]+", re.IGNORECASE)
_GREEK = re.compile(r"[\u0370-\u03ff' -]+")
_LETTERS = dict(
    zip(
        "абвгдезиклмнопрстуфъыьэіґў",
        ("a b v g d e z i k l m n o p r s t u f - y - e i g u").replace("-", "\0").split(" "),
        strict=True,
    )
)
_LETTERS = {letter: latin.strip("\0") for letter, latin in _LETTERS.items()}
_LETTERS |= {"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ї": "yi", "є": "ye"}
# As in books, as in passports, and with ё as it sounds.
_SCHEMES = (
    {"ё": "e", "й": "y", "ю": "yu", "я": "ya"},
    {"ё": "yo", "й": "y", "ю": "yu", "я": "ya"},
    {"ё": "e", "й": "i", "ю": "iu", "я": "ia"},
    {"ё": "jo", "й": "j", "ю": "ju", "я": "ja"},
)
_Y_AT_END = re.compile(r"(?:iy|yy|ii|ij)\b")
_GREEK_PAIRS = {"ου": "ou", "αυ": "av", "ευ": "ev", "γγ": "ng", "γκ": "gk", "μπ": "b", "ντ": "nt"}
_GREEK_LETTERS = dict(zip("αβγδεζικλμνοπρσςτφω", "avgdeziklmnoprsstfo", strict=True))
_GREEK_LETTERS |= {"θ": "th", "ξ": "x", "ψ": "ps"}
_GREEK_SCHEMES = ({"η": "i", "υ": "y", "χ": "ch"}, {"η": "i", "υ": "i", "χ": "h"}, {"η": "e", "υ": "y", "χ": "ch"})
_PAIR = re.compile("|".join(_GREEK_PAIRS))


def romanised(name: str) -> tuple[str, ...]:
    """Return the spellings of a name of Cyrillic or Greek letters in Latin ones; none for another."""
    if name.isascii():
        return ()
    plain = normalize("NFC", name).lower()
    if _CYRILLIC.fullmatch(plain) and re.search("[а-яіїєґў]", plain):
        spelt = list(_cyrillic(plain))
    elif _GREEK.fullmatch(bare := _without_accents(plain)) and re.search("[α-ω]", bare):
        spelt = [
            _mapped(_PAIR.sub(lambda pair: _GREEK_PAIRS[pair[0]], bare), _GREEK_LETTERS | one)
            for one in _GREEK_SCHEMES
        ]
    else:
        return ()
    return tuple(dict.fromkeys(text.title() for text in spelt))


def romanised_variants(name: str) -> Iterator[Variant]:
    """Yield the name of a person in Latin letters, in both orders, and the family name alone where it is rare."""
    for spelt in romanised(name):
        *given, family = spelt.split()
        if not given:
            continue
        yield Variant(spelt, VariantKind.ROMANISED)
        yield Variant(f"{family} {' '.join(given)}", VariantKind.ROMANISED)
        if len(given) > 1:
            yield Variant(f"{given[0]} {family}", VariantKind.ROMANISED)
        if len(fold(family)) >= MIN_FAMILY_NAME_CHARS and is_rare_name(family) and not needs_border(family):
            yield Variant(family, VariantKind.ROMANISED)


def _cyrillic(name: str) -> Iterator[str]:
    for scheme in _SCHEMES:
        spelt = _mapped(name, _LETTERS | scheme)
        yield _Y_AT_END.sub("y", spelt).replace("iya", "ia")
        yield spelt


def _mapped(text: str, letters: dict[str, str]) -> str:
    return "".join(letters.get(char, char) for char in text)


def _without_accents(text: str) -> str:
    return "".join(char for char in normalize("NFD", text) if not "\u0300" <= char <= "\u036f")
