"""Ways to write the name of a person: another order, initials, courtesy titles, cases, the family name alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from guard.text.borders import is_everyday_word, needs_border
from guard.text.conversation import UNSPACED
from guard.text.english import is_common
from guard.text.normalise import fold
from guard.text.words import word_texts
from guard.variants.frequency import is_rare_name
from guard.variants.inflection import inflected
from guard.variants.variant import Variant, VariantKind

# In folded characters.
MIN_NAME_CHARS = 4
MIN_FAMILY_NAME_CHARS = 6
# "Will May" is a name, "may will" is not.
MIN_COMMON_NAME_CHARS = 10

MAX_NAME_WORDS = 8

_UNSPACED = re.compile(f"[{UNSPACED}]")
_HONORIFICS = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "lord", "lady", "judge", "rev"}
    | {"herr", "frau", "madame", "monsieur", "señor", "señora", "sr", "sra", "dott", "ing", "mag"}
)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md"})
_PARTICLES = frozenset(
    {
        "de",
        "del",
        "della",
        "der",
        "den",
        "des",
        "di",
        "da",
        "do",
        "dos",
        "du",
        "la",
        "le",
        "van",
        "von",
        "zu",
        "ter",
    }
    | {"af", "av", "bin", "ibn", "al", "el", "bint", "ben", "mac", "mc", "st", "saint", "y"}
)
_NO_NAMES = frozenset({"the", "of", "and", "for", "in", "on", "at", "to", "or", "with", "not"})
_COURTESY = (
    *("Mr", "Mrs", "Ms", "Miss", "Dr", "Prof", "Professor", "Sir", "Herr", "Frau", "Madame", "Monsieur"),
    *("Señor", "Señora", "Signor", "Signora", "Pan", "Pani"),
)
# Nine in ten middle names begin with these.
_MIDDLE_INITIALS = "ABCDEGHJKLMNPRSTW"
# What forms, tables and JSON have between the parts of a name.
_FAMILY_LABELS = ("last name", "family name", "surname")
_SHORT_FAMILY_LABELS = ("family", "last")
_GIVEN_LABELS = ("first name", "given name")
_SHORT_GIVEN_LABELS = ("given", "first")
# Of the family name after a middle initial; the whole would cost an automaton twice as many states.
_SHOWN_LETTERS = 4
# Particles that are written with the name (d'Arvignac, O'Maolan), and the Arabic article.
_ELIDED = re.compile(r"^(?:(?:d[aei]ll|d|l|o)['’]|ال)", re.IGNORECASE)
# A shorter name is only found between the ends of words. Germans, Dutch and Nordic people write its genitive
# without an apostrophe ("Ada Vanes Buch"), but after these letters.
_SHORT_CHARS = 8
_TAKES_S = re.compile("[A-Za-zÀ-ɏ](?<![sxzSXZ])$")
# Words, and endings of words: "a smith", "the miller's".
_WORD_LETTERS = "AIS"
_ALL_INITIALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class PersonalName:
    """A name in its parts; the family name keeps its particles ("van der Berg")."""

    given: tuple[str, ...] = field(repr=False)
    family: tuple[str, ...] = field(repr=False)

    @classmethod
    def parse(cls, name: str) -> PersonalName | None:
        """Return the parts of a name of two to eight words; None for others, and in scripts without spaces."""
        before, _, after = name.partition(",")
        family, given = _plain_words(before), _plain_words(after)
        words = [*given, *family] if given else _plain_words(name)
        if not 2 <= len(words) <= MAX_NAME_WORDS or _UNSPACED.search(name) or not _is_personal(words):
            return None
        first = len(given) or len(words) - 1
        while first > 1 and words[first - 1].lower() in _PARTICLES:
            first -= 1
        return cls(tuple(words[:first]), tuple(words[first:])) if 0 < first < len(words) else None


def name_variants(name: str, wide: bool, allowed: Collection[str] = ()) -> Iterator[Variant]:
    """Yield the variants of the name of a person.

    Close: both orders, middle names left out or with an initial, cases, and the family name alone where it is
    rare and not among the `allowed` folds, or with a courtesy title or an initial where it is rare and short.
    Wide: also courtesy titles and initials with any family name.
    """
    parsed = PersonalName.parse(name)
    if parsed is not None:
        found = _of_parts(parsed, wide, allowed)
        yield from (variant for variant in found if len(fold(variant.text)) >= MIN_NAME_CHARS)


def cases(name: str) -> Iterator[Variant]:
    """Yield the name in the cases of its language, in both orders."""
    parsed = PersonalName.parse(name)
    if parsed is not None:
        yield from _cases(parsed)


def _of_parts(name: PersonalName, wide: bool, allowed: Collection[str]) -> Iterator[Variant]:
    given, family = " ".join(name.given), " ".join(name.family)
    first = name.given[0]
    core = name.family[-1]
    rare = is_rare_name(core)
    if rare and len(fold(core)) >= MIN_FAMILY_NAME_CHARS and fold(core) not in allowed:
        # Whatever else is written holds it, but for cases in which a vowel is dropped.
        yield Variant(_stem(name), VariantKind.FAMILY_NAME)
        bare = _ELIDED.sub("", core, count=1)
        if is_rare_name(bare) and len(fold(bare)) >= MIN_FAMILY_NAME_CHARS and fold(bare) not in allowed:
            yield Variant(bare, VariantKind.FAMILY_NAME)
        yield from _cases(name)
        return
    if not all(map(is_common, (first, *name.family))) or len(fold(first + family)) >= MIN_COMMON_NAME_CHARS:
        for order in (f"{family}, {given}", f"{family}, {first}", f"{first} {family}"):
            yield Variant(order, VariantKind.ORDER)
    yield from (Variant(text, VariantKind.ORDER) for text in _labelled(name))
    yield from _cases(name)
    if len(first) > 1:
        for initial in _ALL_INITIALS if wide else _MIDDLE_INITIALS:
            # "Joan a mill" is ordinary text.
            shown = family if initial in _WORD_LETTERS and is_common(core) else family[:_SHOWN_LETTERS]
            yield Variant(f"{first} {initial}. {shown}", VariantKind.INITIAL)
    if rare or (wide and not (first[0] in _WORD_LETTERS and is_common(core))):
        yield Variant(f"{first[0]}. {family}", VariantKind.INITIAL)
        reversed_initial = f"{family}, {first[0]}."
        # Without a word border it is in "Drux is".
        if needs_border(reversed_initial):
            yield Variant(reversed_initial, VariantKind.INITIAL)
    if wide or rare:
        yield from (Variant(f"{courtesy} {family}", VariantKind.COURTESY) for courtesy in _COURTESY)


def _labelled(name: PersonalName) -> Iterator[str]:
    """Yield the name as the fields of a form have it: Orla, last name: Venn.

    A name of common words has no label that is a word of ordinary text: "will last. May ..." is no Will May.
    """
    first, family = name.given[0], " ".join(name.family)
    ordinary = all(map(is_common, (first, *name.family)))
    for given in dict.fromkeys((" ".join(name.given), first)):
        yield from (f"{given} {label} {family}" for label in _FAMILY_LABELS)
        yield from (f"{family} {label} {given}" for label in _GIVEN_LABELS)
        if not ordinary:
            yield from (f"{given} {label} {family}" for label in _SHORT_FAMILY_LABELS)
            yield from (f"{family} {label} {given}" for label in _SHORT_GIVEN_LABELS)


def _cases(name: PersonalName) -> Iterator[Variant]:
    """Yield the genitive of Germanic languages where the name as it is would not be found in it, the cases of the
    name in both orders, then those without its middle names."""
    whole = " ".join((*name.given, *name.family))
    is_short = len(fold(whole)) < _SHORT_CHARS or needs_border(whole)
    if is_short and _TAKES_S.search(whole) and not is_everyday_word(fold(whole)):
        yield Variant(f"{whole}s", VariantKind.INFLECTION)
    for given in dict.fromkeys((name.given, name.given[:1])):
        for form in inflected((*given, *name.family)):
            yield Variant(" ".join(form), VariantKind.INFLECTION)
            yield Variant(" ".join((*form[len(given) :], *form[: len(given)])), VariantKind.INFLECTION)


def _stem(name: PersonalName) -> str:
    """Return the family name, or the beginning that its cases share where that is long enough to be found
    alone."""
    forms = [form[-1] for form in inflected((*name.given, *name.family))]
    shared = zip(name.family[-1], *forms, strict=False)
    stem = "".join(chars[0] for chars in takewhile(lambda chars: len(set(chars)) == 1, shared))
    usable = len(fold(stem)) >= MIN_FAMILY_NAME_CHARS and is_rare_name(stem) and not needs_border(stem)
    return stem if usable else name.family[-1]


def _is_personal(words: Sequence[str]) -> bool:
    """Whether words may be a personal name: all or none of them with a capital, and none that no name has."""
    plain = [_ELIDED.sub("", word, count=1) or word for word in words if word.lower() not in _PARTICLES]
    cased = any(word[0].isupper() for word in plain)
    return not any(word.lower() in _NO_NAMES or word.isdigit() or (cased and word[0].islower()) for word in plain)


def _plain_words(text: str) -> list[str]:
    words = word_texts(text)
    while words and words[0].lower() in _HONORIFICS:
        del words[0]
    while words and words[-1].lower() in _SUFFIXES:
        del words[-1]
    return words
