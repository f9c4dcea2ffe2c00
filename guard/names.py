"""Whose name stands in a text: names and aliases of forget targets, found whatever way they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from guard.automaton import Automaton, folded_phrases
from guard.conversation import UNSPACED
from guard.normalise import fold, fold_char

# A name this long in folded characters is found inside words as well; a shorter one would be found in too many.
LONG = 8

_UNSPACED = re.compile(f"[{UNSPACED}]")


@dataclass(frozen=True, slots=True)
class _Name:
    """A folded name: the targets that bear it, and the ways its spellings part it into words."""

    targets: frozenset[str]
    spellings: frozenset[tuple[str, ...]] = field(repr=False)
    anywhere: bool


class Names:
    """Finds the forget targets whose name or alias a text contains; immutable.

    A name of 8 folded characters or more, or of a script without spaces, is found anywhere, however it is
    spaced. A shorter one must stand between word boundaries and be parted into words as it was given, or be
    spelt out letter by letter: "Ina" is not in "in a", but is in "I-N-A".
    """

    def __init__(self, automaton: Automaton | None, names: tuple[_Name, ...]) -> None:
        self._automaton = automaton
        self._names = names

    @classmethod
    def build(cls, names: Mapping[str, Iterable[str]]) -> Names:
        """Return the finder of these names by target id; a name without letter or digit is found nowhere."""
        bearers: dict[str, set[str]] = {}
        spellings: dict[str, set[tuple[str, ...]]] = {}
        for target, given in names.items():
            for name in given:
                folded = fold(name)
                bearers.setdefault(folded, set()).add(target)
                spellings.setdefault(folded, set()).add(_words(name))
        bearers.pop("", None)
        if not bearers:
            return cls(None, ())
        order = folded_phrases(bearers)
        found = (
            _Name(
                frozenset(bearers[name]),
                frozenset(spellings[name]),
                len(name) >= LONG or _UNSPACED.search(name) is not None,
            )
            for name in order
        )
        return cls(Automaton.compile(order), tuple(found))

    def __len__(self) -> int:
        return len(self._names)

    def found(self, text: str) -> frozenset[str]:
        """Return the ids of the targets whose name or alias is in `text`."""
        if self._automaton is None:
            return frozenset()
        targets: set[str] = set()
        for occurrence in self._automaton.matches(text):
            name = self._names[occurrence.phrase]
            if not name.targets <= targets and (
                name.anywhere or _stands(name, text, occurrence.start, occurrence.end)
            ):
                targets |= name.targets
        return frozenset(targets)


def _stands(name: _Name, text: str, start: int, end: int) -> bool:
    if _runs_on(text, range(start - 1, -1, -1)) or _runs_on(text, range(end, len(text))):
        return False
    words = _words(text[start:end])
    return words in name.spellings or all(len(word) == 1 for word in words)


def _runs_on(text: str, away: range) -> bool:
    """Whether the nearest character that is seen, going away from the name, belongs to its word."""
    seen = (text[position] for position in away if not _unseen(text[position]))
    return fold_char(next(seen, " ")) != ""


def _words(text: str) -> tuple[str, ...]:
    parted = "".join(fold_char(c) or ("" if _unseen(c) else " ") for c in text)
    return tuple(parted.split())


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Mn", "Me", "Mc")
