"""Whose name stands in a text: names and aliases of forget targets, found whatever way they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from guard.detection.partial_names import PartialNames
from guard.matching.automaton import Automaton, folded_phrases
from guard.text.conversation import UNSPACED
from guard.text.normalise import fold, fold_char

# A name this long in folded characters is found inside words as well; a shorter one would be found in too many.
LONG = 8
# So many recent targets' names are looked for beside the settled ones before all are settled anew.
RECENT = 1_024

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

    Most names are settled in an automaton that successors share; up to RECENT later targets have one beside it.
    """

    def __init__(self, settled: _Finder, recent: _Finder, gone: frozenset[str]) -> None:
        self._settled = settled
        self._recent = recent
        self._gone = gone

    @classmethod
    def build(cls, names: Mapping[str, Iterable[str]]) -> Names:
        """Return the finder of these names by target id; a name without letter or digit is found nowhere."""
        return cls(_Finder.build({}), _Finder.build({}), frozenset()).with_changes(names, ())

    def with_changes(self, added: Mapping[str, Iterable[str]], removed: Collection[str]) -> Names:
        """Return another finder without the targets `removed` and with `added`; a target in both is replaced."""
        recent = {target: names for target, names in self._recent.given.items() if target not in removed}
        recent |= {target: tuple(names) for target, names in added.items()}
        gone = self._gone | {target for target in (*removed, *added) if target in self._settled.given}
        if len(recent) <= RECENT and 2 * len(gone) <= len(self._settled.given):
            return Names(self._settled, _Finder.build(recent), gone)
        kept = {target: names for target, names in self._settled.given.items() if target not in gone}
        return Names(_Finder.build(kept | recent), _Finder.build({}), frozenset())

    def __len__(self) -> int:
        """Return the number of distinct names."""
        return len({name for finder in (self._settled, self._recent) for name in finder.folded(self._gone)})

    def found(self, text: str, *, whole: bool = True) -> frozenset[str]:
        """Return the ids of the targets whose name or alias is in `text`.

        `whole` false leaves out short names, which chance puts into a text that is not language.
        """
        settled = self._settled.found(text, whole) - self._gone if self._gone else self._settled.found(text, whole)
        return settled | self._recent.found(text, whole)

    def parts(self, text: str) -> dict[str, float]:
        """Return, for the targets of whose name `text` holds a part, how much that tells, from 0 to 1."""
        settled = self._settled.partial.found(text)
        recent = self._recent.partial.found(text)
        return {target: told for target, told in settled.items() if target not in self._gone} | recent


class _Finder:
    """The names of some targets in one automaton, and their parts by word."""

    def __init__(self, given: Mapping[str, tuple[str, ...]]) -> None:
        bearers: dict[str, set[str]] = {}
        spellings: dict[str, set[tuple[str, ...]]] = {}
        for target, names in given.items():
            for name in names:
                folded = fold(name)
                bearers.setdefault(folded, set()).add(target)
                spellings.setdefault(folded, set()).add(_words(name))
        bearers.pop("", None)
        order = folded_phrases(bearers)
        self.given = given
        self.partial = PartialNames.build(given)
        self._automaton = Automaton.compile(order) if order else None
        self._names = tuple(
            _Name(
                frozenset(bearers[name]),
                frozenset(spellings[name]),
                len(name) >= LONG or _UNSPACED.search(name) is not None,
            )
            for name in order
        )

    @classmethod
    def build(cls, given: Mapping[str, tuple[str, ...]]) -> _Finder:
        return cls(given) if given else _NONE

    def folded(self, gone: frozenset[str]) -> set[str]:
        named = {fold(name) for target, names in self.given.items() if target not in gone for name in names}
        return named - {""}

    def found(self, text: str, whole: bool) -> frozenset[str]:
        if self._automaton is None:
            return frozenset()
        targets: set[str] = set()
        for occurrence in self._automaton.matches(text):
            name = self._names[occurrence.phrase]
            if not name.targets <= targets and (
                name.anywhere or (whole and _stands(name, text, occurrence.start, occurrence.end))
            ):
                targets |= name.targets
        return frozenset(targets)


_NONE = _Finder({})


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
