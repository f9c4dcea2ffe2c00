"""Names said with a letter wrong, without their end, or with other names between given name and family name.

A mask that forbids a name's last token leaves "Sallowmer" and "Sallowmeer" to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from guard.text.lexicon import is_known_word
from guard.text.normalise import fold
from guard.text.words import words_of
from guard.variants.frequency import is_rare_name
from guard.variants.names import PersonalName

MIN_NAME_CHARS = 6
"""Folded characters of a rare name that is found with one of them wrong; shorter ones are like others."""
MIN_SAID_SHARE = 0.75
"""Of a rare name, from its first letter, by which a word tells it."""
MAX_NAMES_BETWEEN = 2
"""Between a given name and a family name."""
# Words that are kept: those between with a label after each, and the name before them.
_MAX_SAID = 2 * MAX_NAMES_BETWEEN + 2
_BETWEEN = frozenset({"née", "nee", "born", "geb", "geborene", "alias", "aka", "de", "van", "von", "der", "of"})
# Of forms, in the languages of JSON and of people. Between the parts of a name they say only which is which.
_LABELS = frozenset(
    {
        *("name", "names", "first", "last", "middle", "family", "given", "surname", "forename", "maiden", "null"),
        *("firstname", "lastname", "middlename", "familyname", "givenname", "fname", "lname", "none"),
        *("vorname", "nachname", "familienname", "nom", "prenom", "nombre", "apellido", "apellidos", "nome"),
        *("cognome", "sobrenome", "voornaam", "achternaam", "fornamn", "efternamn", "imie", "nazwisko"),
    }
)


class Pair(NamedTuple):
    """The folds of the first given name and of the family name of a person."""

    given: str
    family: str


@dataclass(frozen=True)
class NameMatcher:
    """Names that a text must not tell so; immutable.

    rare     the folds of rare names of one word
    pairs    of people whose family names are none of these
    allowed  folds of words that tell nothing
    """

    rare: frozenset[str] = field(default=frozenset(), repr=False)
    pairs: frozenset[Pair] = field(default=frozenset(), repr=False)
    allowed: frozenset[str] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, phrases: Iterable[str], people: Iterable[str], exceptions: Iterable[str] = ()) -> NameMatcher:
        """Return the rare ones of `phrases` that are one word, and the pairs of the names `people`."""
        rare = frozenset(fold(phrase) for phrase in phrases if _is_rare(phrase))
        parsed = (name for name in map(PersonalName.parse, people) if name is not None)
        pairs = (Pair(fold(name.given[0]), fold(name.family[-1])) for name in parsed)
        allowed = frozenset(fold(word.text) for text in exceptions for word in words_of(text))
        return cls(rare - allowed, frozenset(pair for pair in pairs if pair.family not in rare), allowed)

    def __bool__(self) -> bool:
        return bool(self.rare or self.pairs)

    @property
    def start(self) -> tuple[str, ...]:
        """The state before the first word of a text: its last words, empty for labels."""
        return ()

    def step(self, state: tuple[str, ...], word: str) -> tuple[tuple[str, ...], bool]:
        """Return the state after one more word, and whether the text tells a name with it."""
        folded = fold(word)
        found = any(True for _ in self._misspelt(word, folded)) or any(True for _ in self._paired(state, folded))
        if folded in _LABELS:
            # Several in a row are one.
            word = ""
            state = state[:-1] if state[-1:] == ("",) else state
        return (*state, word)[-_MAX_SAID:], found

    def without_stated(self, text: str) -> NameMatcher:
        """Return the names without those that `text` has, or tells."""
        words = [word.text for word in words_of(text)]
        folded = set(map(fold, words))
        stated = {name for word in words for name in self._misspelt(word, fold(word))}
        kept = frozenset(pair for pair in self.pairs if not folded.issuperset(pair))
        return NameMatcher(self.rare - stated - folded, kept, self.allowed)

    def _misspelt(self, word: str, folded: str) -> Iterator[str]:
        """Yield the rare names that a word is with one letter wrong, or the beginning of."""
        # A word without end is no name, and has too many beginnings.
        if not MIN_NAME_CHARS - 1 <= len(folded) <= self._most or folded in self.rare or folded in self.allowed:
            return
        forms = [folded, *_shortened(folded)]
        names = dict.fromkeys(name for form in forms for name in self._by_form.get(form, ()))
        alike = [name for name in names if name.startswith(folded) or _is_one_edit(name, folded)]
        if alike and not is_known_word(word) and not is_known_word(folded):
            yield from alike

    def _paired(self, said: tuple[str, ...], last: str) -> Iterator[Pair]:
        """Yield the people of whom the given name, other names, and now the family name are said; where a label is
        between the two, in either order."""
        for count in range(1, len(said)):
            between, first = said[-count:], fold(said[-count - 1])
            if sum(map(bool, between)) > MAX_NAMES_BETWEEN:
                return
            orders = (Pair(first, last), Pair(last, first)) if "" in between else (Pair(first, last),)
            if all(not word or word[0].isupper() or word.lower() in _BETWEEN for word in between):
                yield from (pair for pair in orders if pair in self.pairs)

    @cached_property
    def _most(self) -> int:
        """The most characters of a word that is a rare name with one letter added."""
        return max(map(len, self.rare), default=0) + 1

    @cached_property
    def _by_form(self) -> dict[str, list[str]]:
        """The rare names by themselves, with each letter left out, and by their beginnings."""
        found: dict[str, list[str]] = {}
        for name in self.rare:
            least = max(MIN_NAME_CHARS - 1, math.ceil(MIN_SAID_SHARE * len(name)))
            beginnings = (name[:end] for end in range(least, len(name)))
            for form in dict.fromkeys((name, *_shortened(name), *beginnings)):
                found.setdefault(form, []).append(name)
        return found


def _is_rare(phrase: str) -> bool:
    words = words_of(phrase)
    return len(words) == 1 and len(fold(phrase)) >= MIN_NAME_CHARS and phrase.isalpha() and is_rare_name(phrase)


def _shortened(folded: str) -> Iterator[str]:
    return (folded[:at] + folded[at + 1 :] for at in range(len(folded)))


def _is_one_edit(left: str, right: str) -> bool:
    """Whether one letter is replaced, added or left out between two words, or two neighbours are swapped."""
    while left and right and left[0] == right[0]:
        left, right = left[1:], right[1:]
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    is_swapped = len(left) == 2 and left == right[::-1]
    return max(len(left), len(right)) <= 1 or is_swapped
