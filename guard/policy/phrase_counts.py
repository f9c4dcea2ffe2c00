"""The registry as a source of commonness: a phrase in the facts of many unrelated targets tells of none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from guard.patterns.validators import phrases_of
from guard.phrases.numbers import kind_of
from guard.phrases.phrase import Phrase, PhraseKind
from guard.targets.target import Draft, ForgetTarget, Kind
from guard.text.folded_dates import is_day_and_month
from guard.text.normalise import fold
from guard.text.words import word_texts
from guard.variants.generation import generate
from guard.variants.values.dates import date_variants
from guard.variants.variant import Variants

MAX_TARGETS = 5
"""Unrelated targets in whose facts a phrase may stand and still tell."""
MAX_SHARE = 0.001
"""Of all targets, in whose facts a phrase may stand and still tell, if that is more."""
MAX_DATE_TARGETS = 2
"""A date of more unrelated targets tells of none: days are few."""
MAX_DAY_TARGETS = 50
"""With more targets, a day with its month and no year tells of none: soon every day would be some target's."""


class PhraseCounts:
    """In the facts and passages of how many unrelated targets each phrase stands; kept as targets change.

    Phrases count that were extracted, not those that a client gave, and none of a secret. Targets whose names end
    in the same word, as those of a family do, count once. An update takes time in proportion to what changes.
    """

    def __init__(self, targets: Iterable[ForgetTarget] = ()) -> None:
        # By hash of a folded phrase: the family of its only target, or the targets of each family.
        self._families: dict[int, int | Counter[int]] = {}
        # The phrases that stand in as many as make a date common, and all days without a year.
        self._often: dict[int, str] = {}
        self._targets = 0
        # Of those the ones that are too common, by the limits that they were found by, and what may differ since.
        self._common: dict[int, str] = {}
        self._limits = _Limits(0, False)
        self._changed: set[int] = set()
        self._context: frozenset[str] = frozenset()
        self.update((), targets)

    def update(self, removed: Iterable[ForgetTarget], added: Iterable[ForgetTarget]) -> None:
        """Take up that some targets are no longer active, or were before a change, and that others are."""
        for target in removed:
            self._targets -= 1
            for _, folded, family in _counted(target):
                self._remove(hash(folded), family)
        for target in added:
            self._targets += 1
            for phrase, folded, family in _counted(target):
                self._add(phrase, folded, family)

    def context(self) -> frozenset[str]:
        """Return the folds of the phrases that are too common to be forbidden alone, and of their variants."""
        limits = _Limits(max(MAX_TARGETS, int(MAX_SHARE * self._targets)), self._targets > MAX_DAY_TARGETS)
        looked_at = self._changed if limits == self._limits else {*self._often, *self._common}
        self._limits, self._changed = limits, set()
        common = dict(self._common)
        for key in looked_at:
            phrase = self._often.get(key)
            if phrase is not None and _distinct(self._families[key]) > limits.most(phrase):
                common[key] = phrase
            else:
                common.pop(key, None)
        if common != self._common:
            self._common, self._context = common, frozenset().union(*map(_forms, common.values()))
        return self._context

    def _add(self, phrase: str, folded: str, family: int) -> None:
        key = hash(folded)
        self._changed.add(key)
        # Nearly all are without a digit.
        if not folded.isalpha() and _is_day(phrase):
            self._often.setdefault(key, phrase)
        known = self._families.get(key)
        if known is None:
            self._families[key] = family
            return
        counter = known if isinstance(known, Counter) else Counter([known])
        counter[family] += 1
        self._families[key] = counter
        if len(counter) > MAX_DATE_TARGETS:
            self._often.setdefault(key, phrase)

    def _remove(self, key: int, family: int) -> None:
        self._changed.add(key)
        known = self._families[key]
        if not isinstance(known, Counter):
            del self._families[key]
            self._often.pop(key, None)
            return
        known[family] -= 1
        if not known[family]:
            del known[family]  # so that the length is the number of families
        is_day = _is_day(self._often.get(key, ""))
        if not known or (len(known) <= MAX_DATE_TARGETS and not is_day):
            self._often.pop(key, None)
        if not known:
            del self._families[key]


class _Limits(NamedTuple):
    """In the facts of how many unrelated targets a phrase may stand and still tell; a day with its month in none,
    if days are common."""

    targets: int
    days_are_common: bool

    def most(self, phrase: str) -> int:
        """Return in the facts of how many unrelated targets this phrase may stand and still tell."""
        if self.days_are_common and _is_day(phrase):
            return 0
        return MAX_DATE_TARGETS if _is_date(phrase) else self.targets


def never_alone(draft: Draft, context: frozenset[str]) -> frozenset[str]:
    """Return the folds of `context` that `draft` does not forbid in every answer, whatever its facts say.

    They are all of `context`, but none for a secret, or for a target whose name, or anything else that the client
    gave, is one of them: what was given is forbidden in any case, with its variants.
    """
    if not context or draft.kind is Kind.SECRET or not _given(draft).isdisjoint(context):
        return frozenset()
    return context


class _Counted(NamedTuple):
    """A phrase of a target that counts, its fold, and the family of the target."""

    phrase: str
    folded: str
    family: int


def _counted(target: ForgetTarget) -> Iterator[_Counted]:
    """Yield the phrases of a target that count."""
    if target.draft.kind is Kind.SECRET:
        return
    given = _given(target.draft)
    words = word_texts(target.draft.name)
    family = hash(fold(words[-1] if words else target.draft.name))
    folds = zip(target.forbidden, map(fold, target.forbidden), strict=True)
    yield from (_Counted(phrase, folded, family) for phrase, folded in folds if folded not in given)


def _given(draft: Draft) -> frozenset[str]:
    listed = (phrase.text for pattern in draft.patterns for phrase in phrases_of(pattern))
    return frozenset(map(fold, (draft.name, *draft.aliases, *draft.phrases, *listed)))


def _distinct(families: int | Counter[int]) -> int:
    return len(families) if isinstance(families, Counter) else 1


@lru_cache(65_536)
def _is_date(phrase: str) -> bool:
    return kind_of(phrase) is PhraseKind.DATE


@lru_cache(65_536)
def _is_day(phrase: str) -> bool:
    """Whether a phrase is a day with its month and no year."""
    return is_day_and_month(fold(phrase))


@lru_cache(65_536)
def _forms(phrase: str) -> frozenset[str]:
    """Return the folds of a phrase and of all its variants, whatever it is."""
    if _is_date(phrase):
        return frozenset(map(fold, (phrase, *date_variants(phrase, wide=True))))
    given = (Phrase(phrase, kind, "") for kind in (PhraseKind.NAME, PhraseKind.TITLE))
    widths = (Variants.CLOSE, Variants.WIDE)
    found = (variant.text for one in given for width in widths for variant in generate((one,), width))
    return frozenset(map(fold, (phrase, *found)))
