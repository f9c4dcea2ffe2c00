"""Finds names and aliases of forget targets in a text, however they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from guard.detection.partial_names import NameEnds, PartialNames, name_ends
from guard.evidence.transliteration import SoundingName, TransliteratedNames, sounding_names
from guard.matching.automaton import Automaton
from guard.matching.patterns import folded_phrases
from guard.text.composition import compose
from guard.text.conversation import UNSPACED
from guard.text.lexicon import is_known_word
from guard.text.normalise import Folds, fold, fold_char, is_sign
from guard.text.segmentation import is_word_in
from guard.text.spellings import spellings
from guard.tiers import Tiers

# In folded characters. Names this long are found inside words too; shorter ones would be found in too many.
MIN_ANYWHERE_CHARS = 8
# A name of so many letters may have digits after it, and one of more may be written as one word: @adavane7.
_MIN_ACCOUNT_CHARS = 5
CHANCE_TARGETS = 64
"""As which each target counts for a name in another script, in a text that is not language."""
TIER_TARGETS = (1_024, 256, 32)
"""Targets in each tier of those that came later, see guard.tiers: what is added one by one compiles few names."""

_UNSPACED = re.compile(f"[{UNSPACED}]")
# Vowels of Thai and Lao that are written before the consonant that they follow.
_VOWELS_BEFORE = frozenset("เแโใไເແໂໃໄ")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u06ff]")
# "And", "to", "in", "from" and the like. With one word alone most of them make another word: מדינה is no דינה.
_AND = re.compile(r"(?<!\w)([וو])$")
_PREFIX = re.compile(r"(?<!\w)([והבלכמש]{1,2}|[وفبكلس]{1,2})$")


@dataclass(frozen=True, slots=True)
class _Name:
    """A folded name: its targets, the ways it is split into words, and whether it is found anywhere."""

    targets: frozenset[str]
    splits: frozenset[tuple[str, ...]] = field(repr=False)
    anywhere: bool


class Names:
    """Finds the forget targets whose name or alias a text contains; immutable.

    A name of MIN_ANYWHERE_CHARS folded characters or more, or of a script without spaces, is found anywhere, with
    any spacing. A shorter one must be between word boundaries and be split into words as it was given, or be spelt
    out letter by letter: "Ina" is not in "in a", but is in "I-N-A". Names of accounts are looked into: "Ada Vane"
    is in "@adavane7". In Arabic and Hebrew, "and" may be written as one word with it, and other prefixes with a
    name of several words. A name of several words is found in other scripts than its own by how it sounds, see
    `TransliteratedNames`.

    Most names are in an automaton that successors share; those of later targets are in up to three smaller ones.
    """

    def __init__(self, tiers: Tiers[_Spellings, _Finder]) -> None:
        self._tiers = tiers

    @classmethod
    def build(cls, names: Mapping[str, Iterable[str]]) -> Names:
        """Return the finder of these names by target id; a name without letters or digits is never found."""
        return cls(Tiers(_Finder.build, TIER_TARGETS, lambda _: 1)).with_changes(names, ())

    def with_changes(self, added: Mapping[str, Iterable[str]], removed: Iterable[str]) -> Names:
        """Return a new finder without the targets `removed` and with `added`; a target in both is replaced."""
        spelt = {target: _Spellings.of(names) for target, names in added.items()}
        return Names(self._tiers.with_changes(spelt, removed))

    def __len__(self) -> int:
        """Return the number of distinct names."""
        return len({name for tier in self._tiers.tiers for name in tier.part.folded(tier.dropped)})

    def found(self, text: str, *, short: bool = True) -> frozenset[str]:
        """Return the ids of the targets whose name or alias is in `text`.

        With `short` false, short names are left out, and names in another script must sound more alike: in a text
        that is not language they occur by chance.
        """
        text, tiers = compose(text), self._tiers.tiers
        targets = sum(map(len, tiers)) * (1 if short else CHANCE_TARGETS)
        sounding = (tier.part.sounding.found(text, targets) - tier.dropped for tier in tiers)
        return frozenset().union(*(tier.part.found(text, short) - tier.dropped for tier in tiers), *sounding)

    def parts(self, text: str) -> dict[str, float]:
        """Return by target how telling the part of its name that `text` contains is, from 0 to 1."""
        text, found = compose(text), dict[str, float]()
        tiers = self._tiers.tiers
        for tier in tiers:
            others = [partial(one.part.partial.owners, ended=one.dropped) for one in tiers if one is not tier]
            weights = tier.part.partial.found(text, tier.dropped, others) if tier.part.given else {}
            found |= {target: weight for target, weight in weights.items() if target not in tier.dropped}
        return found


@dataclass(frozen=True, slots=True)
class _Spellings:
    """The names of a target as they are looked for: worked out once, whenever the finders are built.

    names     the fold of each name
    splits    the fold of every spelling of every name, with the words that it is split into
    ends      the first and last words by which parts of the names are found
    sounds    how the names of several words sound
    """

    names: tuple[str, ...] = field(repr=False)
    splits: tuple[tuple[str, tuple[str, ...]], ...] = field(repr=False)
    ends: tuple[NameEnds, ...] = field(repr=False)
    sounds: tuple[SoundingName, ...] = field(repr=False)

    @classmethod
    def of(cls, names: Iterable[str]) -> _Spellings:
        given = tuple(names)
        spelt = [spelling for name in given for spelling in spellings(name)]
        return cls(
            tuple(map(fold, given)),
            tuple(dict.fromkeys((fold(spelling), _words(spelling)) for spelling in spelt)),
            name_ends(given),
            sounding_names(given),
        )


class _Finder:
    """The names of some targets in one automaton, and their parts by word."""

    def __init__(self, given: Mapping[str, _Spellings]) -> None:
        owners: dict[str, set[str]] = {}
        splits: dict[str, set[tuple[str, ...]]] = {}
        for target, names in given.items():
            for folded, words in names.splits:
                owners.setdefault(folded, set()).add(target)
                splits.setdefault(folded, set()).add(words)
        owners.pop("", None)
        order = folded_phrases(owners)
        self.given = given
        self.partial = PartialNames.build({target: names.ends for target, names in given.items()})
        self.sounding = TransliteratedNames({target: names.sounds for target, names in given.items()})
        self._automaton = Automaton.compile(order) if order else None
        self._names = tuple(
            _Name(
                frozenset(owners[name]),
                frozenset(splits[name]),
                len(name) >= MIN_ANYWHERE_CHARS or _UNSPACED.search(name) is not None,
            )
            for name in order
        )

    @classmethod
    def build(cls, given: Mapping[str, _Spellings]) -> _Finder:
        return cls(given) if given else _NONE

    def folded(self, removed: frozenset[str]) -> set[str]:
        named = {name for target, names in self.given.items() if target not in removed for name in names.names}
        return named - {""}

    def found(self, text: str, short: bool) -> frozenset[str]:
        if self._automaton is None:
            return frozenset()
        targets: set[str] = set()
        for occurrence in self._automaton.matches(text):
            name = self._names[occurrence.phrase]
            start, end = occurrence.start, occurrence.end
            if _divides_syllable(text, start, end) or not is_word_in(text, start, end):
                continue
            if not name.targets <= targets and (name.anywhere or (short and _is_separate(name, text, start, end))):
                targets |= name.targets
        return frozenset(targets)


_NONE = _Finder({})


def _divides_syllable(text: str, start: int, end: int) -> bool:
    """Whether a vowel of the first or the last syllable is outside, so that another word is read."""
    return text[start - 1 : start] in _VOWELS_BEFORE or (
        end < len(text) and is_sign(fold_char(text[end])[:1] or " ")
    )


def _is_separate(name: _Name, text: str, start: int, end: int) -> bool:
    words = _words(text[start:end])
    joined = (_PREFIX if len(words) > 1 else _AND).search(text[max(0, start - 5) : start])
    first = start - len(joined[1]) if joined and _RIGHT_TO_LEFT.match(text[start]) else start
    letters = "".join(words)
    # Digits after a name that is no short one are those of an account: @quorne99.
    borders = "0123456789" if letters.isalpha() and len(letters) >= _MIN_ACCOUNT_CHARS else ""
    if _runs_on(text, range(first - 1, -1, -1), borders) or _runs_on(text, range(end, len(text)), borders):
        return False
    if words in name.splits or all(len(word) == 1 for word in words):
        return True
    return len(words) == 1 and len(letters) > _MIN_ACCOUNT_CHARS and not is_known_word(letters)


def _runs_on(text: str, away: range, borders: str) -> bool:
    """Whether the nearest visible character, going away from the name, continues its word and is no border."""
    visible = (text[position] for position in away if not _is_invisible(text[position]))
    return fold_char(nearest := next(visible, " ")) != "" and nearest not in borders


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.translate(_SPLIT).split())


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Mn", "Me", "Mc") and not is_sign(character)


# Markdown's emphasis may begin and end inside a word.
_SPLIT = Folds(lambda char: fold_char(char) or ("" if char == "*" or _is_invisible(char) else " "))
"""What each character reads as where words are told apart."""
