"""Recall and precision of extraction against labelled facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eval.phrases.labelled_facts import LabelledFact
from guard.targets.phrases import forbidden
from guard.targets.target import Draft, Fact, Kind
from guard.text.normalise import fold

# A phrase around what tells may be so many times as long; one inside it has at least this share of it.
_MAX_LONGER = 2.0
_MIN_SHARE = 0.25


@dataclass(slots=True)
class Counts:
    """Labels that tell, those of them that are forbidden; phrases extracted, those of them that are right."""

    tells: int = 0
    found: int = 0
    phrases: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """The share of what tells that some phrase keeps from being said."""
        return self.found / self.tells if self.tells else 1.0

    @property
    def precision(self) -> float:
        """The share of the phrases that tell."""
        return self.right / self.phrases if self.phrases else 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What extraction made of one fact: labels not forbidden, and phrases that should not be."""

    fact: LabelledFact
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    phrases: tuple[str, ...]


def outcome(fact: LabelledFact) -> Outcome:
    """Extract the phrases of `fact` and compare them with its labels: see `outcome_of`."""
    return outcome_of(fact, forbidden(Draft(name="label", kind=Kind.FACT, facts=(Fact(answer=fact.text),))))


def outcome_of(fact: LabelledFact, phrases: Sequence[str]) -> Outcome:
    """Compare phrases with the labels of `fact`, folded.

    What tells is forbidden if a phrase is contained in it. A phrase is right if it is what tells or a part of it
    of some length, or has it inside with little else, and is not contained in what is common.
    """
    tells, common = [fold(t) for t in fact.tells], [fold(c) for c in fact.common]
    missed = tuple(t for t in fact.tells if not any(fold(phrase) in fold(t) for phrase in phrases))
    wrong = tuple(phrase for phrase in phrases if not _is_right(fold(phrase), tells, common))
    return Outcome(fact, missed, wrong, tuple(phrases))


def _is_right(phrase: str, tells: list[str], common: list[str]) -> bool:
    if any(phrase in text for text in common):
        return False
    inside = any(phrase in text and len(phrase) >= _MIN_SHARE * len(text) for text in tells)
    return inside or any(text in phrase and len(phrase) <= _MAX_LONGER * len(text) for text in tells)


def counts_by_language(outcomes: Iterable[Outcome]) -> dict[str, Counts]:
    """Return the counts of each language, in the order of the facts."""
    counts: dict[str, Counts] = {}
    for one in outcomes:
        row = counts.setdefault(one.fact.language, Counts())
        row.tells += len(one.fact.tells)
        row.found += len(one.fact.tells) - len(one.missed)
        row.phrases += len(one.phrases)
        row.right += len(one.phrases) - len(one.wrong)
    return counts


def table(splits: Mapping[str, Sequence[Outcome]]) -> str:
    """Return recall and precision of each split, given by its heading, by language, as a Markdown table with the
    totals last."""
    columns = [f"{what}, {heading}" for heading in splits for what in ("recall", "precision")]
    lines = [f"| language | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    counts = [counts_by_language(outcomes) for outcomes in splits.values()]
    languages = dict.fromkeys(language for split in counts for language in split)
    lines += [_row(language, [split.get(language) for split in counts]) for language in languages]
    lines.append(_row("all", [_total(split.values()) for split in counts]))
    return "\n".join(lines)


def _row(label: str, counts: Iterable[Counts | None]) -> str:
    return f"| {label} | {' | '.join(map(_cells, counts))} |"


def _cells(row: Counts | None) -> str:
    if row is None:
        return " | "
    return f"{row.recall:.3f} ({row.found} of {row.tells}) | {row.precision:.3f} ({row.right} of {row.phrases})"


def _total(counts: Iterable[Counts]) -> Counts:
    sums = Counts()
    for row in counts:
        sums.tells += row.tells
        sums.found += row.found
        sums.phrases += row.phrases
        sums.right += row.right
    return sums
